// For tests: a node and Docker's own mesh on it.
// This node is n1; n2 and n3 are beta and gamma, at 192.0.2.2 and .3. web publishes 8000, has its virtual IP 10.0.0.4 on
// ingress and one task on each node, 10.0.0.11 to .13; api is on the network back, 10.0.1.4, with tasks on n2 and n3,
// 10.0.1.12 and .13. What the programs print is of iptables 1.8.9, ipvsadm 1.31 and Docker 20.10, shortened.
import {
  type Address,
  type Endpoint,
  emptyMesh,
  type Mesh,
  type Network,
  type Node,
  type NodeClaim,
  type Service,
} from '@fairway/mesh';
import { macOf, type Way } from '../kernel/overlay.ts';
import { audit } from './audit.ts';
import type { DockerReader } from './docker-reader.ts';
import { parseHost, parseSandbox } from './dockers-mesh.ts';
import type { Known } from './here.ts';

export const at = (text: string): Address => ({ family: 'ip', text });

export function endpoint(network: string, address: string, node: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    ...{ task: `task${address.split('.').at(-1)}`, node, claim: 'running', index: 1 },
    ...{ addresses: [{ network, address: at(address) }], container: 'running', sinceMs: 0 },
    ...more,
  };
}

export function service(
  name: string,
  network: string,
  vip: string,
  port: number | undefined,
  endpoints: readonly Endpoint[],
): Service {
  const ports = port === undefined ? [] : [{ protocol: 'tcp', first: port, last: port, target: 80 } as const];
  const vips = [{ network, address: at(vip) }];
  return { spec: { id: name, name, index: 1, mode: 'vip', ports, vips, labels: {} }, endpoints, causes: [], seen: 1 };
}

const flags = { index: 1, attachable: false, internal: false, encrypted: false };
const networks: Network[] = [
  { id: 'ingress', name: 'ingress', ingress: true, ...flags },
  { id: 'back00000xyz', name: 'back', ingress: false, ...flags },
];
const claim = { index: 1, role: 'worker', availability: 'active', state: 'ready', labels: {} } as const;
const nodes = ['n1 alpha', 'n2 beta', 'n3 gamma'].map((each): Node & { readonly claim: NodeClaim } => {
  const [id = '', name = ''] = each.split(' ');
  return { claim: { ...claim, id, name }, retired: [], causes: [] };
});
export const web = service('web', 'ingress', '10.0.0.4', 8000, [
  endpoint('ingress', '10.0.0.11', 'n1'),
  endpoint('ingress', '10.0.0.12', 'n2'),
  endpoint('ingress', '10.0.0.13', 'n3'),
]);
export const api = service('api', 'back00000xyz', '10.0.1.4', undefined, [
  endpoint('back00000xyz', '10.0.1.12', 'n2'),
  endpoint('back00000xyz', '10.0.1.13', 'n3'),
]);

export function meshOf(services: readonly Service[], more: Partial<Mesh> = {}): Mesh {
  return {
    ...emptyMesh('e'),
    complete: true,
    services: new Map(services.map((one) => [one.spec.id, one])),
    networks: new Map(networks.map((network) => [network.id, network])),
    nodes: new Map(nodes.map((node) => [node.claim.id, node])),
    ...more,
  };
}

export const iptablesOfHost = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER-INGRESS - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-INGRESS
-A DOCKER-INGRESS -p tcp -m tcp --dport 8000 -j ACCEPT
-A DOCKER-INGRESS -p tcp -m state --state RELATED,ESTABLISHED -m tcp --sport 8000 -j ACCEPT
-A DOCKER-INGRESS -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER-INGRESS - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER-INGRESS
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER-INGRESS
-A POSTROUTING -o docker_gwbridge -m addrtype --src-type LOCAL -j MASQUERADE
-A DOCKER-INGRESS -p tcp -m tcp --dport 8000 -j DNAT --to-destination 172.18.0.2:8000
-A DOCKER-INGRESS -j RETURN
COMMIT
`;

/** What iptables-save, ipvsadm and ip print in a sandbox. */
type Printed = { readonly iptables: string; readonly ipvs: string; readonly addresses: string };

export const ingress: Printed = {
  iptables: `*nat
-A POSTROUTING -d 10.0.0.0/24 -m ipvs --ipvs -j SNAT --to-source 10.0.0.2
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8000 -j MARK --set-xmark 0x100/0xffffffff
-A INPUT -d 10.0.0.4/32 -j MARK --set-xmark 0x100/0xffffffff
COMMIT
`,
  ipvs: `-A -t 172.18.0.2:8000 -s rr
-a -t 172.18.0.2:8000 -r 10.0.0.99:8000 -m -w 1
-A -f 256 -s rr
-a -f 256 -r 10.0.0.11:0 -m -w 1
-a -f 256 -r 10.0.0.12:0 -m -w 1
-a -f 256 -r 10.0.0.13:0 -m -w 1
`,
  addresses: `1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever
6: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever
6: eth0    inet 10.0.0.4/32 scope global eth0\\       valid_lft forever
`,
};
export const back: Printed = {
  iptables: `*mangle
-A INPUT -d 10.0.1.4/32 -j MARK --set-xmark 0x101/0xffffffff
COMMIT
`,
  // 167772420 is Fairway's own, the virtual IP as a number.
  ipvs: `-A -f 257 -s rr
-a -f 257 -r 10.0.1.12:0 -m -w 1
-a -f 257 -r 10.0.1.13:0 -m -w 1
-A -f 167772420 -s rr
-a -f 167772420 -r 10.0.1.99:0 -m -w 1
`,
  addresses: `10: eth0    inet 10.0.1.2/24 brd 10.0.1.255 scope global eth0\\       valid_lft forever
10: eth0    inet 10.0.1.4/32 scope global eth0\\       valid_lft forever
`,
};

export const way = (address: string, node: string, mac = macOf(address) ?? ''): [string, Way] => [
  address,
  { device: 'vxlan0', mac, node },
];
export const ways = {
  ingress: [way('10.0.0.12', '192.0.2.2'), way('10.0.0.13', '192.0.2.3')],
  back00000xyz: [way('10.0.1.12', '192.0.2.2'), way('10.0.1.13', '192.0.2.3')],
};

/** A node as it is found; what is left out is as it should be. */
export type Node1 = {
  readonly services?: readonly Service[];
  readonly host?: string;
  readonly ingress?: Partial<Printed>;
  readonly back?: Partial<Printed>;
  readonly ways?: Partial<Record<keyof typeof ways, [string, Way][] | undefined>>;
  readonly ipvs?: boolean;
  /** `unknown` where it does not say in time. */
  readonly version?: string;
  readonly serves?: boolean;
  readonly known?: Known | undefined;
  readonly hasBack?: boolean;
};

/** What an audit of the node finds; of the second look, where `later` says otherwise. */
export function auditing(node: Node1, later: Node1 = node) {
  let looks = 0;
  const now = () => (looks > 1 ? later : node);
  const known = () => {
    looks += 1;
    const { services = [web, api] } = now();
    return { mesh: meshOf(services), own: { node: 'n1', gateway: at('172.18.0.2'), containers: new Map() } };
  };
  const printed = (file: string): Printed =>
    file === 'ingress_sbox' ? { ...ingress, ...now().ingress } : { ...back, ...now().back };
  const docker: DockerReader = {
    hasIpvs: async () => now().ipvs ?? true,
    host: async () => parseHost(now().host ?? iptablesOfHost),
    async sandbox(file) {
      const { iptables, ipvs, addresses } = printed(file);
      return parseSandbox(iptables, ipvs, addresses);
    },
  };
  const sandboxes = new Map([
    ['ingress', '1'] as const,
    ...(node.hasBack === false ? [] : [['lb_back00000', '2'] as const]),
  ]);
  return audit({
    kernel: {
      sandboxes: async () => sandboxes,
      async ways({ id }) {
        const held = { ...ways, ...now().ways }[id as keyof typeof ways];
        return held && new Map(held);
      },
    },
    docker,
    netnsDir: '/netns',
    serves: () => now().serves ?? false,
    version: async () => (now().version === 'unknown' ? undefined : (now().version ?? '20.10.24')),
    known: 'known' in node ? () => node.known : known,
    clock: {
      after(_, callback) {
        setImmediate(callback);
        return () => {};
      },
    },
  });
}
