import type { Finding } from '@fairway/mesh';
import type { DockersSandbox } from './dockers-mesh.ts';
import type { ExpectedSandbox, ExpectedService } from './expected.ts';

/**
 * What of Docker's own balancer in a sandbox is not as the services want it. A service without a task that serves may be
 * there or not: Docker makes it with the first and takes it away with the last.
 */
export function auditSandbox(found: DockersSandbox, expected: ExpectedSandbox): readonly Finding[] {
  const { file: where, network, services } = expected;
  const known = new Map(services.map((service) => [service.vip, service]));
  const findings = services.flatMap((service) => auditService(found, expected, service));

  const claimed = new Set([...found.addresses, ...found.vipMarks.keys()]);
  for (const vip of claimed) {
    if (known.has(vip)) continue;
    const what = `the sandbox answers for the virtual IP ${vip}, and no service has it`;
    const breaks = `what has ${vip} on network ${network.name} next is not reached from this node`;
    findings.push({ kind: 'stale', where, what, breaks, mend: `ip addr del ${vip}/32 dev eth0, in ${where}` });
  }
  const published = new Set(services.flatMap(({ ports }) => ports));
  for (const port of found.portMarks.keys()) {
    if (published.has(port)) continue;
    const what = `what comes for ${port} is marked to be balanced, and no service publishes it`;
    const breaks = `requests to ${port} reach tasks of a service that does not publish it any more`;
    findings.push({ kind: 'stale', where, what, breaks, mend: 'systemctl restart docker' });
  }
  return findings;
}

function auditService(found: DockersSandbox, expected: ExpectedSandbox, service: ExpectedService): readonly Finding[] {
  const { file: where, network } = expected;
  const { name, vip, ports, tasks } = service;
  const mend = `docker service update --force ${name}`;
  const mark = found.vipMarks.get(vip);
  const balanced = mark === undefined ? undefined : found.services.get(mark);
  const due = [...tasks].filter(([, { isDue }]) => isDue);
  const findings: Finding[] = [];
  const find = (kind: Finding['kind'], what: string, breaks: string) =>
    findings.push({ kind, where, what, breaks, mend });
  const isPublished = ports.length > 0;
  const unreached = isPublished
    ? `${name} is not reached at ${ports.join(', ')} of this node`
    : `${name} is not reached by its name from this node's containers on ${network.name}`;

  if (due.length > 0) {
    if (mark === undefined) find('missing', `nothing marks what comes for ${name}, ${vip}`, unreached);
    if (!isPublished && !found.addresses.has(vip)) {
      find('missing', `the sandbox does not answer for the virtual IP ${vip} of ${name}`, unreached);
    }
    for (const port of mark === undefined ? [] : ports) {
      const ofPort = found.portMarks.get(port);
      const breaks = `${name} is not reached at ${port} of this node`;
      if (ofPort === undefined) find('missing', `nothing marks what comes for ${port}, of ${name}`, breaks);
      else if (ofPort !== mark)
        find(
          'wrong',
          `what comes for ${port}, of ${name}, is marked ${ofPort}, and what comes for ${vip} ${mark}`,
          breaks,
        );
    }
    if (mark !== undefined && !balanced) find('missing', `IPVS has no service ${mark}, of ${name}`, unreached);
  }
  if (!balanced) return findings;
  for (const [address, { task }] of due) {
    const weight = balanced.get(address);
    const breaks = `task ${task} of ${name} gets nothing from this node`;
    if (weight === undefined) find('missing', `IPVS does not have ${address}, task ${task} of ${name}`, breaks);
    else if (weight === 0) find('wrong', `IPVS has ${address}, task ${task} of ${name}, with weight 0`, breaks);
  }
  const sharing = [...balanced.values()].filter((weight) => weight > 0).length;
  for (const [address, weight] of balanced) {
    if (tasks.has(address) || weight === 0) continue;
    const other = expected.tasks.get(address);
    const share = `one request in ${sharing} for ${name} by this node`;
    if (other) {
      const what = `IPVS sends what is for ${name} to ${address}, which is task ${other.task} of ${other.service}`;
      find('wrong', what, `${share} reaches ${other.service}`);
    } else find('stale', `IPVS sends what is for ${name} to ${address}, where no task is`, `${share} hangs`);
  }
  return findings;
}
