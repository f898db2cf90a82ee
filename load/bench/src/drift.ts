import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, type ClusterNode, fairwayConverged, imageName, run, until } from '@fairway/cluster';
import type { EventLine } from '@fairway/mesh';
import type { Measuring } from './measuring.ts';
import { percentile } from './percentile.ts';
import { untilServing } from './serving.ts';

const port = 8000;
const service = 'drifting';
const network = 'back';
const limitMs = 120_000;
/** Others' changes are looked at twice a second at most: each of these is to be one by itself. */
const apartMs = 700;
/** What no event tells is looked at this often (services/executor, drift-watch.ts); the faults are spread over it. */
const lookEveryMs = 10_000;

/** Something that others do on a node. */
type Fault = {
  readonly says: string;
  /** A file of /run/docker/netns; the node's own namespace without it. */
  readonly sandbox?: string;
  /** As outcomes name it. */
  readonly namespace: string;
  readonly line: string;
};

/** Milliseconds after it was done, once for each time. */
type Delays = { readonly found: number[]; readonly right: number[] };

/** By nft's events. */
const ofTables = (fault: Pick<Fault, 'sandbox' | 'namespace'>, where: string): Fault[] => [
  { ...fault, says: `table deleted, ${where}`, line: 'nft delete table inet fairway' },
  { ...fault, says: `chains flushed, ${where}`, line: 'nft flush table inet fairway' },
  { ...fault, says: `chain added, ${where}`, line: 'nft add chain inet fairway others' },
];
const ingress = { sandbox: 'ingress_sbox', namespace: 'ingress' };
const told: readonly Fault[] = [
  ...ofTables({ namespace: 'host' }, 'host'),
  {
    says: 'element removed, host',
    namespace: 'host',
    line: `nft delete element inet fairway ports '{ tcp . ${port} }'`,
  },
  {
    says: 'element added, host',
    namespace: 'host',
    line: "nft add element inet fairway ports '{ tcp . 22 : 172.18.0.2 }'",
  },
  {
    says: 'iptables flushed, host',
    namespace: 'host forwarding',
    line: 'iptables -F',
  },
  ...ofTables(ingress, 'ingress sandbox'),
];
/** Where IPVS balances; of the first of its destinations. */
const ofIpvs: readonly Fault[] = [
  {
    ...ingress,
    says: 'IPVS weight changed, ingress sandbox',
    line: `ipvsadm -e $(ipvsadm -S -n | sed -n 's/^-a \\(-t [0-9.]*:${port} -r [0-9.:]*\\) .*/\\1/p' | head -n 1) -m -w 7`,
  },
  {
    ...ingress,
    says: 'IPVS service removed, ingress sandbox',
    line: `ipvsadm -D $(ipvsadm -S -n | sed -n 's/^-A \\(-t [0-9.]*:${port}\\) .*/\\1/p')`,
  },
];
/** By the look at everything; `balancer` is the network's sandbox. */
const looked = (balancer: string): readonly Fault[] => [
  { says: 'connections flushed, host', namespace: 'host', line: 'conntrack -F' },
  {
    ...ingress,
    says: 'ip_forward reset, ingress sandbox',
    line: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
  },
  {
    says: "virtual IP removed, network's sandbox",
    sandbox: balancer,
    namespace: balancer,
    line: 'ip route del table local $(ip route show table local proto 77 | head -n 1)',
  },
];

/** Does on a worker what others do there, again and again, and takes from its outcomes when that was found and put right. */
export async function measureDrift(cluster: Cluster, { trials, report, signal }: Measuring): Promise<string> {
  const docker = (...args: readonly string[]) => run(['docker', '-H', `unix://${cluster.manager.socket}`, ...args]);
  const limits = { limitMs, signal };
  const node = cluster.nodes.find(({ role }) => role === 'worker');
  if (!node) throw new Error('the swarm has no worker');
  await fairwayConverged(cluster, limits);
  const id = (await docker('network', 'create', '--driver', 'overlay', network)).trim();
  await docker(
    ...['service', 'create', '--no-resolve-image', '--detach', '--name', service, '--mode', 'global'],
    ...['--network', network, '--publish', `${port}:${port}`, imageName],
  );
  await untilServing(cluster, service, cluster.nodes.length, limits);
  await fairwayConverged(cluster, limits);

  const delays = new Map<Fault, Delays>();
  for (const fault of told) {
    for (let n = 0; n < trials; n += 1) {
      await strike([fault]);
      await pause(apartMs, undefined, { signal });
    }
    report(`${fault.says}: right after ${percentile(delays.get(fault)?.right ?? [], 100)} ms at the worst`);
  }
  // As libnetwork names it: the first nine of the id.
  // Of one namespace one at a time: outcomes tell it by that.
  const rounds = [looked(`lb_${id.slice(0, 9)}`), ...(await balancesByIpvs(node)).map((fault) => [fault])];
  for (const [at, faults] of rounds.entries()) {
    for (let n = 0; n < trials; n += 1) {
      await pause((lookEveryMs * n) / trials, undefined, { signal });
      await strike(faults);
      report(`what no event tells, part ${at + 1} of ${rounds.length}: ${n + 1} of ${trials}`);
    }
  }
  return tableOf(delays, trials);

  /** Does these side by side, and waits until all are told as right again. */
  async function strike(faults: readonly Fault[]): Promise<void> {
    const done = await Promise.all(
      faults.map(async (fault) => ({ fault, atMs: await doOn(node as ClusterNode, fault) })),
    );
    for (const { fault, atMs } of done) {
      const times = await until(
        `${fault.says}: to be told as right again`,
        async () => {
          const lines = (await cluster.events()).split('\n').filter((line) => line !== '');
          const events = lines.map((line) => JSON.parse(line) as EventLine);
          const when = (kind: string) =>
            events.find(
              (event) =>
                event.node === node?.name &&
                event.atMs >= atMs &&
                event.what.startsWith(`${kind} in ${fault.namespace}:`),
            )?.atMs;
          const [found, right] = [when('drifted'), when('repaired')];
          return found === undefined || right === undefined
            ? 'it is not'
            : { found: found - atMs, right: right - atMs };
        },
        { ...limits, everyMs: 200 },
      );
      const of = delays.get(fault) ?? { found: [], right: [] };
      of.found.push(times.found);
      of.right.push(times.right);
      delays.set(fault, of);
    }
  }
}

async function balancesByIpvs(node: ClusterNode): Promise<readonly Fault[]> {
  const { stdout } = await node.execSandbox(ingress.sandbox, 'ipvsadm -S -n');
  return stdout.includes(`:${port} `) ? ofIpvs : [];
}

/** Gives when it was begun, by the clock that outcomes have. */
async function doOn(node: ClusterNode, { says, sandbox, line }: Fault): Promise<number> {
  const command = `date +%s%3N && ${line}`;
  const { status, stdout, stderr } = await (sandbox ? node.execSandbox(sandbox, command) : node.exec(command));
  if (status !== 0) throw new Error(`${says}: ${line}: ${stderr}`);
  return Number.parseInt(stdout, 10);
}

function tableOf(delays: ReadonlyMap<Fault, Delays>, trials: number): string {
  const noticed = (fault: Fault) => (told.includes(fault) ? 'an event of nft' : 'the look every 10 s');
  const rows = [...delays].map(([fault, { found, right }]) => {
    const figures = [found, right].flatMap((times) => [percentile(times, 50), percentile(times, 100)]);
    return `| ${[fault.says, noticed(fault), ...figures].join(' | ')} |`;
  });
  return `Each fault ${trials} times, on a worker. Milliseconds after the command that made it was begun, by the node's outcomes.

| fault | noticed by | found p50 | found worst | right p50 | right worst |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
