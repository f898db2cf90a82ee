import type { ClusterNode } from '@fairway/cluster';

type Key = string | number | { readonly concat: readonly (string | number)[] };
type Element = readonly [Key, Key | object];
type Listing = {
  readonly nftables: readonly { readonly map?: { readonly name: string; readonly elem?: readonly Element[] } }[];
};

/**
 * What a node's kernel leads where, in lines as the simulation's oracle writes them: read from nft's own listing
 * (libnftables-json(5)), by none of Fairway's code. A namespace without the table has no lines.
 */
export async function kernelLines(node: ClusterNode, sandboxes: readonly string[]): Promise<string[]> {
  const list = ['nft', '-j', 'list', 'table', 'inet', 'fairway'];
  const [host, ingress, ...others] = await Promise.all([
    node.exec(list),
    node.execSandbox('ingress_sbox', list),
    ...sandboxes.map((sandbox) => node.execSandbox(sandbox, list)),
  ]);
  return [
    ...hostLines(host.stdout),
    ...ingressLines(ingress.stdout),
    ...sandboxes.flatMap((sandbox, n) => networkLines(sandbox, others[n]?.stdout ?? '')),
  ].sort();
}

/** `host tcp 8000 > 172.18.0.2` */
export function hostLines(listing: string): string[] {
  return elementsOf(listing, 'ports').map(([port, gateway]) => `host ${wordsOf(port).join(' ')} > ${gateway}`);
}

/** `ingress tcp 8000 > 10.0.0.5:80 10.0.0.7:80` */
export function ingressLines(listing: string): string[] {
  return elementsOf(listing, 'services').map(([key]) => {
    const [protocol, port] = wordsOf(key);
    const targets = slotsOf(listing, `${protocol}-slots`, port).map((target) => wordsOf(target).join(':'));
    return `ingress ${protocol} ${port} > ${joined(targets)}`.trimEnd();
  });
}

/** `lb_net100000 10.0.1.2 > 10.0.1.5` */
export function networkLines(sandbox: string, listing: string): string[] {
  return elementsOf(listing, 'services').map(([key]) => {
    const [vip] = wordsOf(key);
    const targets = slotsOf(listing, 'ip-slots', vip).map((target) => `${wordsOf(target)}`);
    return `${sandbox} ${vip} > ${joined(targets)}`.trimEnd();
  });
}

/** A target that has several slots is one. */
function joined(targets: readonly string[]): string {
  return [...new Set(targets)].sort().join(' ');
}

function slotsOf(listing: string, map: string, place: string | number | undefined): Key[] {
  return elementsOf(listing, map).flatMap(([key, target]) => (wordsOf(key)[0] === place ? [target as Key] : []));
}

function elementsOf(listing: string, name: string): readonly Element[] {
  if (listing.trim() === '') return [];
  const { nftables } = JSON.parse(listing) as Listing;
  return nftables.find(({ map }) => map?.name === name)?.map?.elem ?? [];
}

function wordsOf(key: Key): readonly (string | number)[] {
  return typeof key === 'object' ? key.concat : [key];
}
