import type { Network } from '@fairway/mesh';
import type { EngineNetwork } from './engine-schema.ts';

/**
 * An overlay network of the swarm; undefined for any other. The Engine API shows no `Version` of networks, so the index
 * is 0. An overlay is encrypted when it has the option at all, whatever its value (libnetwork drivers/overlay,
 * `secureOption`).
 */
export function network(network: EngineNetwork): Omit<Network, 'removedMs'> | undefined {
  if (network.Scope !== 'swarm' || network.Driver !== 'overlay') return undefined;
  return {
    id: network.Id,
    name: network.Name,
    index: 0,
    ingress: network.Ingress,
    attachable: network.Attachable,
    internal: network.Internal,
    encrypted: 'encrypted' in network.Options,
  };
}
