import type { Finding } from '@fairway/mesh';
import type { DockersHost, PortName } from './dockers-mesh.ts';
import { type ExpectedService, isDue } from './expected.ts';

const where = 'host';

/** The chains of the table nat by which packets come to a published port: from elsewhere, and from the node itself. */
const entryChains = [
  { chain: 'PREROUTING', from: 'other machines' },
  { chain: 'OUTPUT', from: 'the node itself' },
] as const;

const matching = (port: PortName) => {
  const [number, protocol] = port.split('/');
  return `-p ${protocol} -m ${protocol} --dport ${number}`;
};

/**
 * What of Docker's own rules on the host is not as the published ports want it. One of a service without a task that
 * serves may be there or not: Docker makes it with the first and takes it away with the last.
 * @param gateway the ingress sandbox's address on docker_gwbridge
 */
export function auditHost(host: DockersHost, ingress: readonly ExpectedService[], gateway: string): readonly Finding[] {
  const wanted = new Map<PortName, ExpectedService>();
  for (const service of ingress) for (const port of service.ports) wanted.set(port, service);
  const due = [...wanted].filter(([, service]) => isDue(service));
  const findings: Finding[] = [];
  if (due.length > 0) findings.push(...auditWay(host));
  // Without the chain it is one thing that is missing, and not one for each port.
  for (const [port, { name }] of host.hasChain ? due : []) {
    const to = host.ports.get(port);
    const right = `${gateway}:${port.split('/')[0]}`;
    const breaks = `${name} is not reached at ${port} of this node`;
    const lead = `iptables -t nat -I DOCKER-INGRESS ${matching(port)} -j DNAT --to-destination ${right}`;
    if (to === undefined)
      findings.push({ kind: 'missing', where, what: `nothing leads ${port} to the sandbox`, breaks, mend: lead });
    else if (to !== right) {
      const what = `${port} is led to ${to}, and the sandbox is at ${gateway}`;
      findings.push({ kind: 'wrong', where, what, breaks, mend: lead });
    } else if (host.drops && !host.accepted.has(port)) {
      const mend = `iptables -I DOCKER-INGRESS ${matching(port)} -j ACCEPT`;
      findings.push({ kind: 'missing', where, what: `nothing accepts packets for ${port}`, breaks, mend });
    }
  }
  return findings;
}

/** The ports that Docker leads and no service publishes, whoever routes here: they are nobody's but Docker's. */
export function auditHostLeft(host: DockersHost, ingress: readonly ExpectedService[]): readonly Finding[] {
  // Tasks of before an update have the ports of before, for as long as that goes on.
  if (ingress.some(({ isUpdating }) => isUpdating)) return [];
  const published = new Set(ingress.flatMap(({ ports }) => ports));
  return [...host.ports].flatMap(([port, to]): Finding | readonly [] => {
    if (published.has(port)) return [];
    const what = `${port} is led to ${to}, and no service publishes it`;
    const breaks = `a program of this node that listens on ${port} is not reached`;
    const mend = `iptables -t nat -D DOCKER-INGRESS ${matching(port)} -j DNAT --to-destination ${to}`;
    return { kind: 'stale', where, what, breaks, mend };
  });
}

/** What leads no port at all. */
function auditWay({ hasChain, entries, drops, asks }: DockersHost): readonly Finding[] {
  const none = 'no published port is reached by this node';
  if (!hasChain) {
    const what = 'there is no chain DOCKER-INGRESS';
    return [{ kind: 'missing', where, what, breaks: none, mend: 'systemctl restart docker' }];
  }
  const findings = entryChains
    .filter(({ chain }) => !entries.has(chain))
    .map(
      ({ chain, from }): Finding => ({
        kind: 'missing',
        where,
        what: `${chain} does not lead to DOCKER-INGRESS`,
        breaks: `${none} from ${from}`,
        mend: `iptables -t nat -I ${chain} -m addrtype --dst-type LOCAL -j DOCKER-INGRESS`,
      }),
    );
  if (!drops || asks) return findings;
  const what = 'FORWARD does not ask DOCKER-INGRESS, and drops what nobody accepts';
  const mend = 'iptables -I FORWARD -j DOCKER-INGRESS';
  return [...findings, { kind: 'missing', where, what, breaks: `${none} from other machines`, mend }];
}
