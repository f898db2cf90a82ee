import type { KernelStandIn } from '@fairway/executor';
import { sandboxNameOf } from './swarm/sandboxes.ts';

/** One entry of a machine's tables: what new connections to a port or a virtual IP are led to. */
export type Entry = {
  readonly namespace: string;
  /** `tcp 8000`, `10.0.1.2`. */
  readonly place: string;
  /** The ingress sandbox's address, or the tasks'. */
  readonly targets: readonly string[];
};

/** What balances in a sandbox, as nftables has it and as IPVS does. */
type Slots = {
  readonly services: ReadonlyMap<string, unknown>;
  readonly slots: ReadonlyMap<string, { readonly address: { readonly text: string }; readonly port?: number }>;
};
type Virtual = {
  readonly verdicts: ReadonlyMap<string, string>;
  readonly virtual: ReadonlyMap<string, { readonly destinations: ReadonlyMap<string, { readonly weight: number }> }>;
};

/** What a machine's kernel has, of the host, the ingress sandbox and those of these networks. */
export function entriesOf(kernel: KernelStandIn, networks: readonly string[]): Entry[] {
  const host = [...(kernel.rules('host')?.ports ?? [])].map(([key, gateway]) => ({
    namespace: 'host',
    place: placeOf(key),
    targets: [gateway.text],
  }));
  const sandboxes = ['ingress' as const, ...networks.map(sandboxNameOf)];
  return [...host, ...sandboxes.flatMap((sandbox) => balanced(kernel, sandbox))];
}

function balanced(kernel: KernelStandIn, sandbox: 'ingress' | `lb_${string}`): Entry[] {
  const rules = kernel.rules(sandbox);
  if (!rules || !('slots' in rules || 'virtual' in rules)) return [];
  const targets = 'slots' in rules ? bySlots(rules) : byIpvs(rules);
  return [...targets].map(([key, held]) => ({ namespace: sandbox, place: placeOf(key), targets: held.sort() }));
}

function bySlots({ services, slots }: Slots): Map<string, string[]> {
  const targets = new Map<string, string[]>([...services.keys()].map((key) => [key, []]));
  for (const [slot, { address, port }] of slots) {
    const key = slot.slice(0, slot.lastIndexOf(' . '));
    targets.get(key)?.push(port === undefined ? address.text : `${address.text}:${port}`);
  }
  return targets;
}

/** What gets new connections; one of weight 0 keeps those that it has. */
function byIpvs({ verdicts, virtual }: Virtual): Map<string, string[]> {
  const targets = new Map<string, string[]>([...verdicts.keys()].map((key) => [key, []]));
  for (const [key, { destinations }] of virtual) {
    // `tcp . 172.18.0.2 . 8000`: the sandbox's own address is no part of the place.
    const place = key.startsWith('ip ') ? key : key.replace(/ \. .* \. /, ' . ');
    const taken = [...destinations].filter(([, { weight }]) => weight > 0);
    if (verdicts.get(place) === 'balance') targets.get(place)?.push(...taken.map(([name]) => name));
  }
  return targets;
}

/** In a line as the oracle writes it. */
export function showEntry({ namespace, place, targets }: Entry): string {
  return `${namespace} ${place} > ${targets.join(' ')}`.trimEnd();
}

/** `tcp . 8000` is `tcp 8000`, `ip . 10.0.1.2` is `10.0.1.2`. */
function placeOf(key: string): string {
  return key.replace(/^ip \. /, '').replace(' . ', ' ');
}
