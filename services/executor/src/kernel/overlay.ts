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
  /** Fairway set it, and Docker has set none in the place of it: that takes the mark away (ip-neighbour(8), extern_learn). */
  readonly isOwn?: true;
};

/** The neighbours on VXLAN devices, from what `listWays` prints (iproute2 6.1). */
export function parseNeighbours(text: string): ReadonlyMap<string, Omit<Way, 'node'>> {
  const all = text.matchAll(/^(\S+) dev (vxlan\d+) lladdr (\S+)(.*)$/gm);
  return new Map(
    [...all].map(([, address = '', device = '', mac = '', flags = '']) => [
      address,
      { device, mac, ...(flags.includes('extern_learn') ? { isOwn: true } : {}) },
    ]),
  );
}

/** The addresses with both entries on one VXLAN device, from what `listWays` prints. */
export function parseWays(text: string): ReadonlyMap<string, Way> {
  const nodes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, behind, from, node] = /^(\S+) dev (vxlan\d+) dst (\S+)/.exec(line) ?? [];
    if (behind && node) nodes.set(`${from} ${behind}`, node);
  }
  return new Map(
    [...parseNeighbours(text)].flatMap(([address, held]) => {
      const node = nodes.get(`${held.device} ${held.mac}`);
      return node === undefined ? [] : [[address, { ...held, node }] as const];
    }),
  );
}

/** The MAC address that Docker gives the endpoint of an IPv4 address (libnetwork netutils/utils.go, `GenerateMACFromIP`). */
export function macOf(address: string): string | undefined {
  const bytes = address.split('.').map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !Number.isInteger(byte) || byte < 0 || byte > 255)) return undefined;
  return ['02', '42', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** The nodes to which this one has keys, from what `ip xfrm state` prints on the host. */
export function parseKeys(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^src \S+ dst (\S+)/gm)].map(([, node = '']) => node));
}
