import { nameOf, type Stale } from '../rules/stale.ts';
import { assertAddress, assertCarrier, assertPort, assertZone, type Words, words } from '../rules/words.ts';

/**
 * Of the TCP connections to a dead task all but the closed ones are dropped, in the order of their life: a SYN would go where they went, for
 * as long as they are tracked, and a client comes to the same port again within a minute. (A node that nobody heard for 12 s
 * had some in SYN_RECV, whose task ended then; half a minute later one request in four to it went there.) What is closed
 * (TIME_WAIT, CLOSE) is left alone: a SYN makes a new connection of it by itself (nf_conntrack_proto_tcp.c, tcp_conntracks),
 * while conntrack -D deletes what it has listed by addresses and ports, and would delete that new one. (Of 92,693 requests
 * during 10 rolling updates one lost its connection so.)
 */
const deadStates = [
  ...[words`SYN_SENT`, words`SYN_RECV`, words`ESTABLISHED`],
  ...[words`FIN_WAIT`, words`CLOSE_WAIT`, words`LAST_ACK`],
];
/** Those that nobody has answered. */
const openingStates = [words`SYN_SENT`];

/** The options of `conntrack -D` that pick the tracked connections which are stale by this, in so many turns. */
export function conntrackFilters(stale: Stale): readonly Words[] {
  return statesOf(stale).map((state) => filterOf(stale, state));
}

/**
 * The same for several, without what has no connection in what `conntrack -L` prints (conntrack-tools 1.4.7). A connection that is
 * listed may have come further by then, so its later states have their turn too.
 */
export function filtersAmong(stale: readonly Stale[], listing: string): readonly Words[] {
  const tracked = new Set<string>();
  const tuple = 'src=(\\S+) dst=(\\S+) sport=(\\d+) dport=(\\d+)';
  for (const [, carrier, state, , vip, , asked, zone, task, , port] of listing.matchAll(
    new RegExp(`^(tcp|udp) +\\d+ \\d+ (?:([A-Z_]+) )?[^\\n]*?${tuple}(?: zone-orig=(\\d+))?[^\\n]*?${tuple}`, 'gm'),
  )) {
    for (const what of [`to ${asked}`, `to ${vip}`, `to ${asked} in ${zone}`, `to ${vip} in ${zone}`])
      tracked.add(`${carrier} ${what}`);
    for (const by of [`by ${task}`, `by ${task}:${port}`]) tracked.add(`${carrier} ${by}${state ? ` ${state}` : ''}`);
  }
  return stale.flatMap((one) => {
    // What nobody has answered is by the same task as what is to be dropped of it altogether.
    const name = nameOf(one.kind === 'opening' ? { ...one, kind: 'backend' } : one);
    const states = statesOf(one);
    const first = states.findIndex((state) => tracked.has(state ? `${name} ${state}` : name));
    return first < 0 ? [] : states.slice(first).map((state) => filterOf(one, state));
  });
}

/** Each takes a turn through the whole table, 9 ms for an empty one of 262,144 buckets. */
function statesOf({ kind, carrier }: Stale): readonly (Words | undefined)[] {
  if (carrier === 'udp') return [undefined];
  return kind === 'opening' ? openingStates : deadStates;
}

function filterOf(stale: Stale, state: Words | undefined): Words {
  const of = words`-p ${assertCarrier(stale.carrier)}`;
  if (stale.kind === 'published' || stale.kind === 'vip') {
    const to =
      stale.kind === 'vip'
        ? words`--orig-dst ${assertAddress(stale.vip)}`
        : words`--orig-port-dst ${assertPort(stale.port)}`;
    return stale.zone === undefined ? words`${of} ${to}` : words`${of} ${to} --orig-zone ${assertZone(stale.zone)}`;
  }
  const { address, port } = stale.target;
  const byTask = words`--reply-src ${assertAddress(address)}`;
  const byPort = port === undefined ? byTask : words`${byTask} --reply-port-src ${assertPort(port)}`;
  return state === undefined ? words`${of} ${byPort}` : words`${of} --state ${state} ${byPort}`;
}
