import type { Finding } from '@fairway/mesh';
import type { Check } from './check.ts';

/** So many nodes are tried: each that is silent takes a second. */
const triedMax = 50;

/** Whether each other node that has a task here answers an echo from this node's sandbox, through the overlay. */
export const reachCheck: Check = {
  about: 'other nodes, sandbox to sandbox',
  async look({ kernel, overlays, places, node: self, nameOf }) {
    const one = new Map<string, { readonly address: string; readonly overlay: (typeof overlays)[number] }>();
    // By a way that leads to it: one to another node is another finding.
    for (const overlay of overlays)
      for (const [address, { node, isDue }] of overlay.expected.tasks)
        if (
          isDue &&
          node !== self &&
          places.has(node) &&
          overlay.ways?.get(address)?.node === places.get(node) &&
          !one.has(node)
        )
          one.set(node, { address, overlay });
    const tried = await Promise.all(
      [...one].slice(0, triedMax).map(async ([node, { address, overlay }]): Promise<Finding | readonly []> => {
        const { network } = overlay.expected;
        if (await kernel.nodeAnswers(network, address)) return [];
        const at = overlay.ways?.get(address)?.node;
        return {
          kind: 'wrong',
          where: `overlay ${network.name}`,
          what: `${nameOf(node)}, at ${at}, does not answer there`,
          breaks: `requests of this node to tasks of ${nameOf(node)} hang`,
          mend: `let VXLAN (UDP port 4789 unless --data-path-port is another), and IP protocol 50 where networks are encrypted, through between this node and ${at}`,
        };
      }),
    );
    return tried.flat();
  },
};
