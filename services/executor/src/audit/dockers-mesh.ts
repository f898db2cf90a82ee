/** A published port as `8000/tcp`. */
export type PortName = string;

/** What Docker's own mesh has on the host (libnetwork service_linux.go, `programIngress`). */
export type DockersHost = {
  /** Whether the chain DOCKER-INGRESS is there; Docker makes it with the first published port. */
  readonly hasChain: boolean;
  /** The chains of the table nat that lead there. */
  readonly entries: ReadonlySet<string>;
  /** Where each port is led to, `172.18.0.2:8000`. */
  readonly ports: ReadonlyMap<PortName, string>;
  /** Whether packets to sandboxes are dropped unless a rule accepts them. */
  readonly drops: boolean;
  /** Whether FORWARD asks the chain DOCKER-INGRESS, from Docker 28 on by way of DOCKER-FORWARD. */
  readonly asks: boolean;
  /** The ports to which packets are accepted. */
  readonly accepted: ReadonlySet<PortName>;
};

/** What it has in a sandbox (libnetwork service_linux.go, `addLBBackend` and `fwMarker`). */
export type DockersSandbox = {
  /** The addresses of a single host that the sandbox has, virtual IPs, each with its interface. */
  readonly addresses: ReadonlyMap<string, string>;
  /** The marks of what comes for a published port. */
  readonly portMarks: ReadonlyMap<PortName, number>;
  /** The marks of what comes for a virtual IP. */
  readonly vipMarks: ReadonlyMap<string, number>;
  /** Whether what IPVS has balanced leaves with the sandbox's own address. */
  readonly masquerades: boolean;
  /** By mark, what IPVS sends to: addresses, each with its weight. */
  readonly services: ReadonlyMap<number, ReadonlyMap<string, number>>;
};

/** Docker counts its marks from 256 up; Fairway's are virtual IPs as numbers (decision 0007). */
const dockersMarkMax = 0x00ff_ffff;

const ingressChain = 'DOCKER-INGRESS';

/** Reads what `iptables-save` prints on the host (iptables 1.8.9). */
export function parseHost(text: string): DockersHost {
  const tables = tablesIn(text);
  const [nat, filter] = [tables.get('nat') ?? [], tables.get('filter') ?? []];
  const ports = new Map<PortName, string>();
  for (const { rule } of rulesIn(nat).filter(({ chain }) => chain === ingressChain)) {
    if (rule === ' -j RETURN') break;
    const to = / -j DNAT --to-destination (\S+)/.exec(rule)?.[1];
    const port = to && portIn(rule);
    // The first that fits leads.
    if (port && !ports.has(port)) ports.set(port, to);
  }
  const accepted = new Set<PortName>();
  for (const { chain, rule } of rulesIn(filter)) {
    const port = chain === ingressChain && rule.endsWith('-j ACCEPT') && portIn(rule);
    if (port) accepted.add(port);
  }
  const leadingTo = (lines: readonly string[], to: string) =>
    new Set(rulesIn(lines).flatMap(({ chain, rule }) => (rule.endsWith(` -j ${to}`) ? [chain] : [])));
  const asking = leadingTo(filter, ingressChain);
  const isForwarding = leadingTo(filter, 'DOCKER-FORWARD').has('FORWARD');
  return {
    hasChain: nat.some((line) => line.startsWith(`:${ingressChain} `)),
    entries: leadingTo(nat, ingressChain),
    ports,
    drops: filter.some((line) => line.startsWith(':FORWARD DROP')),
    asks: asking.has('FORWARD') || (isForwarding && asking.has('DOCKER-FORWARD')),
    accepted,
  };
}

/** Reads what `iptables-save`, `ipvsadm -S -n` (1.31) and `ip -4 -o addr show` (iproute2 6.1) print in a sandbox. */
export function parseSandbox(iptables: string, ipvs: string, addresses: string): DockersSandbox {
  const tables = tablesIn(iptables);
  const portMarks = new Map<PortName, number>();
  const vipMarks = new Map<string, number>();
  for (const { chain, rule } of rulesIn(tables.get('mangle') ?? [])) {
    const mark = / -j MARK --set-(?:x)?mark (0x[0-9a-f]+)/.exec(rule)?.[1];
    if (mark === undefined) continue;
    const port = chain === 'PREROUTING' && portIn(rule);
    const vip = / -d ([\d.]+)\/32 /.exec(rule)?.[1];
    if (port) portMarks.set(port, Number(mark));
    // Docker 18.03 and before marked at OUTPUT.
    else if (vip && (chain === 'INPUT' || chain === 'OUTPUT')) vipMarks.set(vip, Number(mark));
  }
  const services = new Map<number, Map<string, number>>();
  for (const [, mark = ''] of ipvs.matchAll(/^-A -f (\d+) /gm)) services.set(Number(mark), new Map());
  for (const [, mark, address = '', weight] of ipvs.matchAll(/^-a -f (\d+) -r ([\d.]+):\d+ .*-w (\d+)/gm))
    services.get(Number(mark))?.set(address, Number(weight));
  for (const mark of services.keys()) if (mark > dockersMarkMax) services.delete(mark);
  const listed = addresses.matchAll(/^\d+: (\S+) +inet ([\d.]+)\/32 /gm);
  return {
    addresses: new Map([...listed].map(([, device = '', address = '']) => [address, device])),
    portMarks,
    vipMarks,
    masquerades: rulesIn(tables.get('nat') ?? []).some(
      ({ chain, rule }) => chain === 'POSTROUTING' && / -m ipvs --ipvs .*-j SNAT /.test(`${rule} `),
    ),
    services,
  };
}

/** The lines of each table. */
function tablesIn(text: string): ReadonlyMap<string, readonly string[]> {
  const tables = text.split(/^\*/m).slice(1);
  return new Map(
    tables.map((table) => {
      const [name = '', ...lines] = table.split('\n');
      return [name, lines] as const;
    }),
  );
}

function rulesIn(lines: readonly string[]): { readonly chain: string; readonly rule: string }[] {
  return lines.flatMap((line) => {
    const [, chain, rule] = /^-A (\S+)( .*)$/.exec(line) ?? [];
    return chain && rule ? [{ chain, rule }] : [];
  });
}

function portIn(rule: string): PortName | undefined {
  const protocol = / -p (\w+) /.exec(rule)?.[1];
  const port = / --dport (\d+) /.exec(rule)?.[1];
  return protocol && port ? `${port}/${protocol}` : undefined;
}
