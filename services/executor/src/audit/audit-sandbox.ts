import type { Finding } from '@fairway/mesh';
import type { DockersSandbox } from './dockers-mesh.ts';
import { type ExpectedSandbox, type ExpectedService, isDue } from './expected.ts';

type Inside = (command: string) => string;

/** Runs a command in a sandbox, whose file is in Docker's folder of network namespaces. */
const insideOf =
  (folder: string, { file }: ExpectedSandbox): Inside =>
  (command) =>
    `nsenter --net=${folder}/${file} ${command}`;

/**
 * What of Docker's own balancer in a sandbox is not as the services want it. A service without a task that serves may be
 * there or not: Docker makes it with the first and takes it away with the last.
 * @param folder of Docker's network namespaces, in which the sandbox's is
 */
export function auditSandbox(found: DockersSandbox, expected: ExpectedSandbox, folder: string): readonly Finding[] {
  const inside = insideOf(folder, expected);
  const findings = expected.services.flatMap((service) => auditService(found, expected, service, inside));
  return [...findings, ...auditWayBack(found, expected, inside)];
}

/** What services that are no more have left, whoever routes here: it is nobody's but Docker's. */
export function auditSandboxLeft(found: DockersSandbox, expected: ExpectedSandbox, folder: string): readonly Finding[] {
  const { file: where, network, services } = expected;
  // Tasks of before an update have the ports and networks of before, for as long as that goes on.
  if (services.some(({ isUpdating }) => isUpdating)) return [];
  const inside = insideOf(folder, expected);
  const findings: Finding[] = [];
  const known = new Set(services.map(({ vip }) => vip));
  const next = (vip: string) => `what has ${vip} on network ${network.name} next is not reached from this node`;
  for (const [vip, device] of found.addresses) {
    if (known.has(vip)) continue;
    const what = `the sandbox answers for the virtual IP ${vip}, and no service has it`;
    const mend = inside(`ip addr del ${vip}/32 dev ${device}`);
    findings.push({ kind: 'stale', where, what, breaks: next(vip), mend });
  }
  for (const [vip, mark] of found.vipMarks) {
    if (known.has(vip)) continue;
    const what = `what comes for ${vip} is marked to be balanced, and no service has that virtual IP`;
    const mend = inside(`iptables -t mangle -D INPUT -d ${vip}/32 -j MARK --set-mark ${mark}`);
    findings.push({ kind: 'stale', where, what, breaks: next(vip), mend });
  }
  const published = new Set(services.flatMap(({ ports }) => ports));
  for (const [port, mark] of found.portMarks) {
    if (published.has(port)) continue;
    const what = `what comes for ${port} is marked to be balanced, and no service publishes it`;
    const breaks = `requests to ${port} reach tasks of a service that does not publish it any more`;
    const mend = inside(`iptables -t mangle -D ${markRule(port, mark)}`);
    findings.push({ kind: 'stale', where, what, breaks, mend });
  }
  return findings;
}

/** What brings answers back. A network of direct return (--opt dsr) has none, and which are is not told; ingress is not. */
function auditWayBack(
  { masquerades }: DockersSandbox,
  { file: where, network, services }: ExpectedSandbox,
  inside: Inside,
): readonly Finding[] {
  if (!network.ingress || masquerades || !services.some(isDue)) return [];
  return [
    {
      kind: 'missing',
      where,
      what: 'nothing gives balanced connections the address of the sandbox',
      breaks: 'answers to requests by this node do not come back through it: they hang',
      mend: inside('iptables -t nat -A POSTROUTING -m ipvs --ipvs -d SUBNET -j SNAT --to-source ITS_ADDRESS_ON_ETH0'),
    },
  ];
}

function markRule(port: string, mark: number): string {
  const [number, protocol] = port.split('/');
  return `PREROUTING -p ${protocol} -m ${protocol} --dport ${number} -j MARK --set-mark ${mark}`;
}

function auditService(
  found: DockersSandbox,
  expected: ExpectedSandbox,
  service: ExpectedService,
  inside: Inside,
): readonly Finding[] {
  const { file: where, network } = expected;
  const { name, vip, ports, tasks } = service;
  const mark = found.vipMarks.get(vip);
  const balanced = mark === undefined ? undefined : found.services.get(mark);
  const findings: Finding[] = [];
  const find = (kind: Finding['kind'], what: string, breaks: string, mend: string) =>
    findings.push({ kind, where, what, breaks, mend });
  const isPublished = ports.length > 0;
  const unreached = isPublished
    ? `${name} is not reached at ${ports.join(', ')} of this node`
    : `${name} is not reached by its name from this node's containers on ${network.name}`;

  if (isDue(service)) {
    const anew = 'systemctl restart docker: Docker makes all of it with the first task that it hears of';
    if (mark === undefined) find('missing', `nothing marks what comes for ${name}, ${vip}`, unreached, anew);
    if (!isPublished && !found.addresses.has(vip)) {
      const what = `the sandbox does not answer for the virtual IP ${vip} of ${name}`;
      find('missing', what, unreached, inside(`ip addr add ${vip}/32 dev eth0`));
    }
    for (const port of mark === undefined ? [] : ports) {
      const ofPort = found.portMarks.get(port);
      const breaks = `${name} is not reached at ${port} of this node`;
      const mend = inside(`iptables -t mangle -A ${markRule(port, mark as number)}`);
      if (ofPort === undefined) find('missing', `nothing marks what comes for ${port}, of ${name}`, breaks, mend);
      else if (ofPort !== mark) {
        const what = `what comes for ${port}, of ${name}, is marked ${ofPort}, and what comes for ${vip} ${mark}`;
        find('wrong', what, breaks, mend);
      }
    }
    if (mark !== undefined && !balanced) find('missing', `IPVS has no service ${mark}, of ${name}`, unreached, anew);
  }
  if (!balanced) return findings;
  for (const [address, { task, isDue: isTaskDue }] of tasks) {
    if (!isTaskDue) continue;
    const weight = balanced.get(address);
    const breaks = `task ${task} of ${name} gets nothing from this node`;
    const ipvsadm = (verb: string) => inside(`ipvsadm ${verb} -f ${mark} -r ${address}:0 -m -w 1`);
    if (weight === undefined)
      find('missing', `IPVS does not have ${address}, task ${task} of ${name}`, breaks, ipvsadm('-a'));
    else if (weight === 0)
      find('wrong', `IPVS has ${address}, task ${task} of ${name}, with weight 0`, breaks, ipvsadm('-e'));
  }
  const sharing = [...balanced.values()].filter((weight) => weight > 0).length;
  for (const [address, weight] of balanced) {
    if (tasks.has(address) || weight === 0) continue;
    const other = expected.tasks.get(address);
    const share = `one request in ${sharing} for ${name} by this node`;
    const mend = inside(`ipvsadm -d -f ${mark} -r ${address}:0`);
    if (other) {
      const what = `IPVS sends what is for ${name} to ${address}, which is task ${other.task} of ${other.service}`;
      find('wrong', what, `${share} reaches ${other.service}`, mend);
    } else find('stale', `IPVS sends what is for ${name} to ${address}, where no task is`, `${share} hangs`, mend);
  }
  return findings;
}
