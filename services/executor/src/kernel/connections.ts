import { nameOf, type Stale } from '../rules/stale.ts';
import { assertAddress, assertCarrier, assertPort, assertZone, type Words, words } from '../rules/words.ts';

/**
 * What of TCP is dropped: connections that open, and those that are open. What is closed (TIME_WAIT) is left alone: a SYN
 * makes a new connection of it by itself (nf_conntrack_proto_tcp.c, tcp_conntracks), while conntrack -D deletes what it has
 * listed by addresses and ports, and would delete that new one. (Of 92,693 requests during 10 rolling updates one lost its
 * connection so.) Each state takes a turn through the whole table, 9 ms; the others last for moments, or are half closed.
 */
const usefulStates = ['SYN_SENT', 'ESTABLISHED'] as const;

/** The options of `conntrack -D` that pick the tracked connections which are stale by this, in so many turns. */
export function conntrackFilters(stale: Stale): readonly Words[] {
  const of = words`-p ${assertCarrier(stale.carrier)}`;
  if (stale.kind === 'published' || stale.kind === 'vip') {
    const to =
      stale.kind === 'vip'
        ? words`--orig-dst ${assertAddress(stale.vip)}`
        : words`--orig-port-dst ${assertPort(stale.port)}`;
    return [stale.zone === undefined ? words`${of} ${to}` : words`${of} ${to} --orig-zone ${assertZone(stale.zone)}`];
  }
  const { address, port } = stale.target;
  const byTask = words`--reply-src ${assertAddress(address)}`;
  const byPort = port === undefined ? byTask : words`${byTask} --reply-port-src ${assertPort(port)}`;
  if (stale.carrier === 'udp') return [words`${of} ${byPort}`];
  const opening = words`${of} --state SYN_SENT ${byPort}`;
  return stale.kind === 'opening' ? [opening] : [opening, words`${of} --state ESTABLISHED ${byPort}`];
}

/** Those of which there is a connection in what `conntrack -L` prints (conntrack-tools 1.4.7). */
export function trackedAmong(stale: readonly Stale[], listing: string): readonly Stale[] {
  const tracked = new Set<string>();
  const tuple = 'src=(\\S+) dst=(\\S+) sport=(\\d+) dport=(\\d+)';
  for (const [, carrier, state, , vip, , asked, zone, task, , port] of listing.matchAll(
    new RegExp(`^(tcp|udp) +\\d+ \\d+ (?:([A-Z_]+) )?[^\\n]*?${tuple}(?: zone-orig=(\\d+))?[^\\n]*?${tuple}`, 'gm'),
  )) {
    if (state !== undefined && !usefulStates.some((useful) => useful === state)) continue;
    tracked.add(`${carrier} to ${asked}`).add(`${carrier} to ${vip}`);
    tracked.add(`${carrier} to ${asked} in ${zone}`).add(`${carrier} to ${vip} in ${zone}`);
    tracked.add(`${carrier} by ${task}`).add(`${carrier} by ${task}:${port}`);
    if (state === 'SYN_SENT') tracked.add(`${carrier} opening to ${task}`).add(`${carrier} opening to ${task}:${port}`);
  }
  return stale.filter((one) => tracked.has(nameOf(one)));
}
