import type { ClusterNode } from '@fairway/cluster';

type Neighbour = { readonly dst: string; readonly dev: string; readonly lladdr?: string };
type Forwarding = { readonly mac: string; readonly ifname: string; readonly dst?: string };
type Interface = { readonly addr_info?: readonly { readonly local?: string }[] };

/** What Docker's gossip made of a node's overlays. */
export type OverlayWays = {
  /** The addresses on other nodes that there is a way to. */
  readonly to: ReadonlySet<string>;
  /** By sandbox, the addresses that it sends from. */
  readonly from: ReadonlyMap<string, readonly string[]>;
};

const ingressSandbox = 'ingress_sbox';

/** Read from iproute2's own listing (ip-neighbour(8), bridge(8)), by none of Fairway's code. */
export async function overlayWays(node: ClusterNode, sandboxes: readonly string[]): Promise<OverlayWays> {
  const { stdout } = await node.exec(['ls', node.netnsDir]);
  const overlays = stdout.split('\n').filter((file) => /^\d+-/.test(file));
  const to = await Promise.all(
    overlays.map(async (overlay) => {
      const [neighbours, forwardings] = await Promise.all([
        node.execSandbox(overlay, ['ip', '-j', 'neigh', 'show', 'nud', 'all']),
        node.execSandbox(overlay, ['bridge', '-j', 'fdb', 'show']),
      ]);
      return waysIn(neighbours.stdout, forwardings.stdout);
    }),
  );
  const from = await Promise.all(
    [...sandboxes, ingressSandbox].map(async (sandbox) => {
      const listed = await node.execSandbox(sandbox, ['ip', '-j', 'addr', 'show']);
      return [sandbox, addressesIn(listed.stdout)] as const;
    }),
  );
  return { to: new Set(to.flat()), from: new Map(from) };
}

/** Whether two nodes' overlays have ways to each other's sandboxes of the ingress network. */
export function haveEachOther(one: OverlayWays, other: OverlayWays): boolean {
  const has = ({ to }: OverlayWays, { from }: OverlayWays) =>
    from.get(ingressSandbox)?.some((sandbox) => to.has(sandbox));
  return has(one, other) === true && has(other, one) === true;
}

/** The addresses with a neighbour on a VXLAN device whose MAC address is behind a node. */
export function waysIn(neighbours: string, forwardings: string): string[] {
  const behind = new Set(
    listed<Forwarding>(forwardings).flatMap(({ mac, ifname, dst }) => (dst === undefined ? [] : [`${ifname} ${mac}`])),
  );
  return listed<Neighbour>(neighbours).flatMap(({ dst, dev, lladdr }) => (behind.has(`${dev} ${lladdr}`) ? [dst] : []));
}

function addressesIn(interfaces: string): string[] {
  return listed<Interface>(interfaces).flatMap(({ addr_info }) =>
    (addr_info ?? []).flatMap(({ local }) => local ?? []),
  );
}

/** A namespace that is no more lists nothing. */
function listed<One>(text: string): readonly One[] {
  return text.trim() === '' ? [] : JSON.parse(text);
}
