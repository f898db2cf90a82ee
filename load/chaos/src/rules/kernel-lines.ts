import type { ClusterNode } from '@fairway/cluster';

type Key = string | number | { readonly concat: readonly (string | number)[] };
type Element = readonly [Key, Key | object];
type Listing = {
  readonly nftables: readonly { readonly map?: { readonly name: string; readonly elem?: readonly Element[] } }[];
};
/** What nft lists in a sandbox, and where its table leads to IPVS what ipvsadm does (`-S -n`). */
type Listed = { readonly table: string; readonly virtual?: string };

const list = ['nft', '-j', 'list', 'table', 'inet', 'fairway'];

/**
 * What a node's kernel leads where, in lines as the simulation's oracle writes them: read from nft's own listing
 * (libnftables-json(5)) and ipvsadm's, by none of Fairway's code. A namespace without the table has no lines.
 */
export async function kernelLines(node: ClusterNode, sandboxes: readonly string[]): Promise<string[]> {
  const [host, ingress, ...others] = await Promise.all([
    node.exec(list),
    listSandbox(node, 'ingress_sbox'),
    ...sandboxes.map((sandbox) => listSandbox(node, sandbox)),
  ]);
  return [
    ...hostLines(host.stdout),
    ...ingressLines(ingress),
    ...sandboxes.flatMap((sandbox, n) => networkLines(sandbox, others[n] ?? { table: '' })),
  ].sort();
}

async function listSandbox(node: ClusterNode, sandbox: string): Promise<Listed> {
  const { stdout: table } = await node.execSandbox(sandbox, list);
  if (elementsOf(table, 'verdicts').length === 0) return { table };
  return { table, virtual: (await node.execSandbox(sandbox, 'ipvsadm -S -n')).stdout };
}

/** `host tcp 8000 > 172.18.0.2` */
export function hostLines(listing: string): string[] {
  return elementsOf(listing, 'ports').map(([port, gateway]) => `host ${wordsOf(port).join(' ')} > ${gateway}`);
}

/** `ingress tcp 8000 > 10.0.0.5:80 10.0.0.7:80` */
export function ingressLines({ table, virtual }: Listed): string[] {
  const line = (key: Key, targetsOf: (protocol: string, port: string) => readonly string[]) => {
    const [protocol, port] = wordsOf(key).map(String) as [string, string];
    return `ingress ${protocol} ${port} > ${joined(targetsOf(protocol, port))}`.trimEnd();
  };
  const slots = (protocol: string, port: string) =>
    slotsOf(table, `${protocol}-slots`, Number(port)).map((target) => wordsOf(target).join(':'));
  const destinations = (protocol: string, port: string) =>
    destinationsOf(virtual, `${protocol === 'tcp' ? '-t' : '-u'} [\\d.]+:${port}`);
  return [
    ...elementsOf(table, 'services').map(([key]) => line(key, slots)),
    ...elementsOf(table, 'verdicts').map(([key]) => line(key, destinations)),
  ];
}

/** `lb_net100000 10.0.1.2 > 10.0.1.5` */
export function networkLines(sandbox: string, { table, virtual }: Listed): string[] {
  const line = (vip: string | number | undefined, targets: readonly string[]) =>
    `${sandbox} ${vip} > ${joined(targets)}`.trimEnd();
  return [
    ...elementsOf(table, 'services').map(([key]) => {
      const [vip] = wordsOf(key);
      return line(
        vip,
        slotsOf(table, 'ip-slots', vip).map((target) => `${wordsOf(target)}`),
      );
    }),
    // IPVS has a virtual IP by its mark, whatever the port.
    ...elementsOf(table, 'verdicts').map(([key, mark]) => {
      const addresses = destinationsOf(virtual, `-f ${mark}`).map((target) => target.replace(/:0$/, ''));
      return line(wordsOf(key)[0], addresses);
    }),
  ];
}

/** What IPVS leads new connections of a service to, which is named as a pattern; with weight 0 there are none. */
function destinationsOf(virtual = '', service: string): string[] {
  const lines = virtual.matchAll(new RegExp(`^-a ${service} -r (\\S+) .*-w [1-9]`, 'gm'));
  return [...lines].map(([, target = '']) => target);
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
