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
