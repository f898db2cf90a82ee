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

/** Both of Docker's entries for an address on another node. */
export type Way = {
  /** The VXLAN device of its subnet. */
  readonly device: string;
  /** Its MAC address. */
  readonly mac: string;
  /** The address of the node that they lead to, on the network that carries the overlay. */
  readonly node: string;
};

/** The addresses with both entries on one VXLAN device, from what `listWays` prints (iproute2 6.1). */
export function parseWays(text: string): ReadonlyMap<string, Way> {
  const hardware = new Map<string, { readonly device: string; readonly mac: string }>();
  const nodes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, address, device, mac] = /^(\S+) dev (vxlan\d+) lladdr (\S+)/.exec(line) ?? [];
    if (address && device && mac) hardware.set(address, { device, mac });
    const [, behind, from, node] = /^(\S+) dev (vxlan\d+) dst (\S+)/.exec(line) ?? [];
    if (behind && node) nodes.set(`${from} ${behind}`, node);
  }
  return new Map(
    [...hardware].flatMap(([address, { device, mac }]) => {
      const node = nodes.get(`${device} ${mac}`);
      return node === undefined ? [] : [[address, { device, mac, node }] as const];
    }),
  );
}

/** The MAC address that Docker gives the endpoint of an IPv4 address (libnetwork netutils/utils.go, `GenerateMACFromIP`). */
export function macOf(address: string): string | undefined {
  const bytes = address.split('.').map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !Number.isInteger(byte) || byte < 0 || byte > 255)) return undefined;
  return ['02', '42', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** The shell line that sets both entries of each, as Docker does (libnetwork osl/neigh_linux.go), in the place of others. */
export function putLine(ways: ReadonlyMap<string, Way>): string {
  return [...ways]
    .flatMap(([address, { device, mac, node }]) => [
      `ip neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`,
      `bridge fdb replace ${mac} dev ${device} dst ${node} self permanent`,
    ])
    .join(' && ');
}

/** The shell line that takes both entries of each away, where they are there. */
export function dropLine(ways: ReadonlyMap<string, Way>): string {
  return [...ways]
    .flatMap(([address, { device, mac, node }]) => [
      `ip neigh del ${address} dev ${device} 2>/dev/null`,
      `bridge fdb del ${mac} dev ${device} dst ${node} self 2>/dev/null`,
    ])
    .concat('true')
    .join('; ');
}

/** The nodes to which this one has keys, from what `ip xfrm state` prints on the host. */
export function parseKeys(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^src \S+ dst (\S+)/gm)].map(([, node = '']) => node));
}
