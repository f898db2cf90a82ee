import type { KernelStandIn } from '@fairway/executor';

/** The sandboxes that a machine's dockerd makes for overlay networks, each with an identity of its own. */
export class Sandboxes {
  readonly #kernel: KernelStandIn;
  readonly #held = new Map<`lb_${string}`, string>();
  #made = 0;

  constructor(kernel: KernelStandIn) {
    this.#kernel = kernel;
  }

  /** Those that there are. */
  get names(): readonly `lb_${string}`[] {
    return [...this.#held.keys()];
  }

  /** Docker has a sandbox for each overlay network that a container here is on, and takes it away with the last one. */
  sync(networks: ReadonlySet<string>): void {
    const wanted = new Set([...networks].map(sandboxNameOf));
    for (const name of this.#held.keys()) {
      if (wanted.has(name)) continue;
      this.#held.delete(name);
      this.#kernel.replaceSandbox(undefined, name);
    }
    for (const name of wanted) {
      if (this.#held.has(name)) continue;
      const id = `${name}-${++this.#made}`;
      this.#held.set(name, id);
      this.#kernel.replaceSandbox(id, name);
    }
  }
}

/** The name of the sandbox that Docker makes for an overlay network: `lb_` and the first nine characters of its id. */
export function sandboxNameOf(network: string): `lb_${string}` {
  return `lb_${network.slice(0, 9)}`;
}
