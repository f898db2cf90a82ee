import { macOf, type Way } from '../kernel/overlay.ts';
import { isIpv4, type Others, subnetOf } from './lost-ways.ts';
import { type Places, strangePlaces } from './node-places.ts';

/** Docker moves an address from one node to another within seconds, and its gossip gives back within half a minute what it lost. */
const wrongForMs = 10_000;
const missingForMs = 45_000;

/** An address whose entries are not as they should be: which task's it is taken for, how it is, and since when. */
type Wrong = { readonly node: string; readonly isMissing: boolean; readonly sinceMs: number };

/** What a look found. */
export type Look = {
  readonly ways: ReadonlyMap<string, Way>;
  /** The addresses of tasks that serve and have no way. */
  readonly missing: ReadonlySet<string>;
  readonly others: Pick<Others, 'there' | 'tasks'>;
  readonly places: Places;
};

/**
 * Single ways of one overlay network that stay wrong: that lead to another node than the one which runs the task, or have
 * another MAC address, or are missing. Docker does not come back to them: it goes by its own list, not the kernel's.
 */
export class WrongWays {
  #wrong: ReadonlyMap<string, Wrong> = new Map();

  /** What is to be set in the place of what is there. */
  look({ ways, missing, others, places }: Look, nowMs: number): ReadonlyMap<string, Way> {
    const strange = strangePlaces(ways);
    // Each subnet has a device of its own: which one that of a missing address is on is known by another of its subnet.
    const devices = new Map([...ways].map(([address, { device }]) => [subnetOf(address), device]));
    const wrong = new Map<string, Wrong>();
    const set = new Map<string, Way>();
    for (const [address, node] of others.tasks) {
      const at = places.get(node);
      const mac = macOf(address);
      // An IPv6 underlay, or a Docker that makes other MAC addresses, is left to itself.
      if (at === undefined || mac === undefined || !others.there.has(node)) continue;
      if (!isIpv4(at) || strange.has(at)) continue;
      const held = ways.get(address);
      if (held ? held.node === at && held.mac === mac : !missing.has(address)) continue;
      const before = this.#wrong.get(address);
      const isMissing = held === undefined;
      const isSame = before?.node === node && before.isMissing === isMissing;
      const sinceMs = isSame ? before.sinceMs : nowMs;
      wrong.set(address, { node, isMissing, sinceMs });
      const on = held?.device ?? devices.get(subnetOf(address));
      if (on === undefined || nowMs - sinceMs < (isMissing ? missingForMs : wrongForMs)) continue;
      set.set(address, { device: on, mac, node: at, isOwn: true });
    }
    this.#wrong = wrong;
    return set;
  }
}
