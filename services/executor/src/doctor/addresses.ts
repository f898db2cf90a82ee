import type { Finding } from '@fairway/mesh';
import type { Check } from './check.ts';

/** Below this part of a subnet there is no room for an update that starts tasks before it stops others. */
const scarcePart = 0.1;
/** Network, broadcast, and the gateway, which Docker takes for itself. */
const reserved = 3;

/**
 * Every task, virtual IP and node's sandbox takes an address of each overlay network that it is on (moby/moby#36689); the
 * sandboxes of other nodes are not known, and one for each node that is there is counted.
 */
export const addressesCheck: Check = {
  about: 'free addresses',
  async look({ mesh, sandboxes, interfaceOf }) {
    const nodes = [...mesh.nodes.values()].filter(({ removedMs }) => removedMs === undefined).length;
    const found = await Promise.all(
      sandboxes.map(async ({ file, network, services, tasks }): Promise<Finding | readonly []> => {
        const { addresses } = await interfaceOf(file);
        const bits = addresses.find((one) => one.bits < 32)?.bits;
        if (bits === undefined) return [];
        const size = 2 ** (32 - bits) - reserved;
        const on = network.ingress ? nodes : new Set([...tasks.values()].map(({ node }) => node)).size;
        const free = size - tasks.size - services.length - on;
        if (free >= size * scarcePart) return [];
        return {
          kind: 'wrong',
          where: `overlay ${network.name}`,
          what: `${Math.max(0, free)} of its ${size} addresses are free`,
          breaks: 'tasks that get none stay pending, and updates that start new tasks first do not come to an end',
          mend: network.ingress
            ? 'make the ingress network anew with a larger --subnet (docker network create --ingress)'
            : `move the services to a network with a larger --subnet than ${network.name} has`,
        };
      }),
    );
    return found.flat();
  },
};
