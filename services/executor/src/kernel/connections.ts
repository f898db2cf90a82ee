import { nameOf, type Stale } from '../rules/stale.ts';
import { assertAddress, assertCarrier, assertPort, assertZone, type Words, words } from '../rules/words.ts';

/** The options of `conntrack -D` that pick the tracked connections which are stale by this. */
export function conntrackFilter(stale: Stale): Words {
  const of = words`-p ${assertCarrier(stale.carrier)}`;
  if (stale.kind === 'published' || stale.kind === 'vip') {
    const to =
      stale.kind === 'vip'
        ? words`--orig-dst ${assertAddress(stale.vip)}`
        : words`--orig-port-dst ${assertPort(stale.port)}`;
    return stale.zone === undefined ? words`${of} ${to}` : words`${of} ${to} --orig-zone ${assertZone(stale.zone)}`;
  }
  const { address, port } = stale.target;
  const those = stale.kind === 'opening' ? words`${of} --state SYN_SENT` : of;
  const toTask = words`${those} --reply-src ${assertAddress(address)}`;
  return port === undefined ? toTask : words`${toTask} --reply-port-src ${assertPort(port)}`;
}

/** Those of which there is a connection in what `conntrack -L` prints (conntrack-tools 1.4.7). */
export function trackedAmong(stale: readonly Stale[], listing: string): readonly Stale[] {
  const tracked = new Set<string>();
  const tuple = 'src=(\\S+) dst=(\\S+) sport=(\\d+) dport=(\\d+)';
  for (const [, carrier, opening, , vip, , asked, zone, task, , port] of listing.matchAll(
    new RegExp(`^(tcp|udp) +\\d+ \\d+ (SYN_SENT )?[^\\n]*?${tuple}(?: zone-orig=(\\d+))?[^\\n]*?${tuple}`, 'gm'),
  )) {
    tracked.add(`${carrier} to ${asked}`).add(`${carrier} to ${vip}`);
    tracked.add(`${carrier} to ${asked} in ${zone}`).add(`${carrier} to ${vip} in ${zone}`);
    tracked.add(`${carrier} by ${task}`).add(`${carrier} by ${task}:${port}`);
    if (opening) tracked.add(`${carrier} opening to ${task}`).add(`${carrier} opening to ${task}:${port}`);
  }
  return stale.filter((one) => tracked.has(nameOf(one)));
}
