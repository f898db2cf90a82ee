import { readdir } from 'node:fs/promises';

/**
 * The namespace in which Docker keeps a network's bridge and VXLAN device on this node, as its file in `netns/` is
 * called; undefined where there is none. It is a count of how often the network was set up here, a dash, and the
 * network's id, cut to 12 characters in all (libnetwork drivers/overlay/ov_network.go, `initSandbox`).
 */
export async function overlayNamespace(folder: string, network: string): Promise<string | undefined> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const ofNetwork = (file: string) => {
    const [, count = '', id = ''] = /^(\d+)-(.+)$/.exec(file) ?? [];
    return id !== '' && file.length === 12 && network.startsWith(id) ? Number(count) : -1;
  };
  return files.filter((file) => ofNetwork(file) >= 0).sort((a, b) => ofNetwork(b) - ofNetwork(a))[0];
}

/**
 * What lists both of Docker's entries for the addresses on other nodes: which MAC address a task has, and which node
 * that is behind. It lists those of all devices: each subnet of a network has one, vxlan0, vxlan1 (libnetwork
 * drivers/overlay/ov_network.go, `setupSubnetSandbox`), and there is none before the first.
 */
export const listWays = ['sh', '-c', 'ip neigh show nud all && bridge fdb show'];

/**
 * The addresses with both entries on one VXLAN device, each with the address of the node that they lead to, from what
 * `listWays` prints (iproute2 6.1).
 */
export function parseWays(text: string): ReadonlyMap<string, string> {
  const hardware = new Map<string, string>();
  const nodes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, address, device, mac] = /^(\S+) dev (vxlan\d+) lladdr (\S+)/.exec(line) ?? [];
    if (address && mac) hardware.set(address, `${device} ${mac}`);
    const [, behind, from, node] = /^(\S+) dev (vxlan\d+) dst (\S+)/.exec(line) ?? [];
    if (behind && node) nodes.set(`${from} ${behind}`, node);
  }
  return new Map(
    [...hardware].flatMap(([address, mac]) => {
      const node = nodes.get(mac);
      return node === undefined ? [] : [[address, node] as const];
    }),
  );
}

/** The nodes to which this one has keys, from what `ip xfrm state` prints on the host. */
export function parseKeys(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^src \S+ dst (\S+)/gm)].map(([, node = '']) => node));
}
