import type { Finding } from '@fairway/mesh';
import type { DockersHost, PortName } from './dockers-mesh.ts';
import type { ExpectedService } from './expected.ts';

const where = 'host';
const restart = 'systemctl restart docker';

/** The chains of the table nat by which packets come to a published port: from elsewhere, and from the node itself. */
const entryChains = [
  { chain: 'PREROUTING', from: 'other machines' },
  { chain: 'OUTPUT', from: 'the node itself' },
] as const;

/**
 * What of Docker's own rules on the host is not as the published ports want it. One of a service without a task that
 * serves may be there or not: Docker makes it with the first and takes it away with the last.
 * @param gateway the ingress sandbox's address on docker_gwbridge
 */
export function auditHost(host: DockersHost, ingress: readonly ExpectedService[], gateway: string): readonly Finding[] {
  const wanted = new Map<PortName, ExpectedService>();
  for (const service of ingress) for (const port of service.ports) wanted.set(port, service);
  const due = [...wanted].filter(([, { tasks }]) => [...tasks.values()].some(({ isDue }) => isDue));
  const findings: Finding[] = [];
  if (due.length > 0) findings.push(...auditWay(host));
  // Without the chain it is one thing that is missing, and not one for each port.
  for (const [port, { name }] of host.hasChain ? due : []) {
    const to = host.ports.get(port);
    const right = `${gateway}:${port.split('/')[0]}`;
    const breaks = `${name} is not reached at ${port} of this node`;
    if (to === undefined)
      findings.push({ kind: 'missing', where, what: `nothing leads ${port} to the sandbox`, breaks, mend: restart });
    else if (to !== right) {
      const what = `${port} is led to ${to}, and the sandbox is at ${gateway}`;
      findings.push({ kind: 'wrong', where, what, breaks, mend: restart });
    } else if (host.drops && !host.accepted.has(port)) {
      findings.push({ kind: 'missing', where, what: `nothing accepts packets for ${port}`, breaks, mend: restart });
    }
  }
  for (const [port, to] of host.ports) {
    if (wanted.has(port)) continue;
    const [number, protocol] = port.split('/');
    const what = `${port} is led to ${to}, and no service publishes it`;
    const rule = `-p ${protocol} -m ${protocol} --dport ${number} -j DNAT --to-destination ${to}`;
    const breaks = `a program of this node that listens on ${port} is not reached`;
    findings.push({ kind: 'stale', where, what, breaks, mend: `iptables -t nat -D DOCKER-INGRESS ${rule}` });
  }
  return findings;
}

/** What leads no port at all. */
function auditWay({ hasChain, entries, drops, asks }: DockersHost): readonly Finding[] {
  const missing = (what: string, breaks: string): Finding => ({ kind: 'missing', where, what, breaks, mend: restart });
  if (!hasChain) return [missing('there is no chain DOCKER-INGRESS', 'no published port is reached by this node')];
  const findings = entryChains
    .filter(({ chain }) => !entries.has(chain))
    .map(({ chain, from }) =>
      missing(`${chain} does not lead to DOCKER-INGRESS`, `no published port is reached by this node from ${from}`),
    );
  if (drops && !asks) {
    const what = 'FORWARD does not ask DOCKER-INGRESS, and drops what nobody accepts';
    findings.push(missing(what, 'no published port is reached by this node from other machines'));
  }
  return findings;
}
