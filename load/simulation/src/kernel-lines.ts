import type { KernelStandIn } from '@fairway/executor';
import { sandboxNameOf } from './swarm/machine.ts';

/** One entry of a machine's tables: what new connections to a port or a virtual IP are led to. */
export type Entry = {
  readonly namespace: string;
  /** `tcp 8000`, `10.0.1.2`. */
  readonly place: string;
  /** The ingress sandbox's address, or the tasks'. */
  readonly targets: readonly string[];
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
  if (!rules || !('slots' in rules)) return [];
  const targets = new Map<string, string[]>([...rules.services.keys()].map((key) => [key, []]));
  for (const [slot, { address, port }] of rules.slots) {
    const key = slot.slice(0, slot.lastIndexOf(' . '));
    targets.get(key)?.push(port === undefined ? address.text : `${address.text}:${port}`);
  }
  return [...targets].map(([key, held]) => ({ namespace: sandbox, place: placeOf(key), targets: held.sort() }));
}

/** In a line as the oracle writes it. */
export function showEntry({ namespace, place, targets }: Entry): string {
  return `${namespace} ${place} > ${targets.join(' ')}`.trimEnd();
}

/** `tcp . 8000` is `tcp 8000`, `ip . 10.0.1.2` is `10.0.1.2`. */
function placeOf(key: string): string {
  return key.replace(/^ip \. /, '').replace(' . ', ' ');
}
