import type { Mesh } from './mesh.ts';
import { order } from './order.ts';

/** An overlay network as the managers report it; ordered by `index`, the network's `Version.Index` or 0 if unknown. */
export type Network = {
  readonly id: string;
  readonly name: string;
  readonly index: number;
  /** Whether it is the swarm's ingress network, which carries the published ports. */
  readonly ingress: boolean;
  readonly attachable: boolean;
  readonly internal: boolean;
  readonly encrypted: boolean;
  readonly removedMs?: number;
};

/**
 * The network namespace from which a node balances on the network, as its file in Docker's `netns/` is called. That of
 * an overlay network is named by `lb_` and its id, cut to 12 characters (libnetwork osl/namespace_linux.go,
 * `GenerateKey`).
 */
export function sandboxOf(network: Pick<Network, 'id' | 'ingress'>): string {
  return network.ingress ? 'ingress_sbox' : `lb_${network.id.slice(0, 9)}`;
}

/** The swarm's ingress network, the newest one where it was made anew. */
export function ingressNetwork(mesh: Mesh): Network | undefined {
  return [...mesh.networks.values()]
    .filter((network) => network.ingress && network.removedMs === undefined)
    .sort((a, b) => b.index - a.index || order(b.id, a.id))[0];
}
