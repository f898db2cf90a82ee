// On a kernel with IPVS, where Docker's own mesh works too; elsewhere there is nothing to try. Ports 88xx.
import { type ClusterNode, until } from '@fairway/cluster';
import { describe, expect } from 'vitest';
import { HeldConnection } from './held-connection.ts';
import { dockersOwn, dockersService, hasIpvs, virtualServices } from './sandbox-ipvs.ts';
import type { Swarm } from './swarm.ts';
import { test } from './swarm-test.ts';

const ingress = 'ingress_sbox';

/** Docker's mesh takes a minute to come to a service on an emulated machine. */
const waits = { limitMs: 60_000, everyMs: 200 };

/**
 * The counters of a service on both sides, in a sandbox of each node: Docker's, which goes by a mark that an iptables
 * rule with `match` sets, and Fairway's, whose name `isOwn` knows. Waits until each has so many tasks in its.
 */
async function bothSides(
  nodes: readonly ClusterNode[],
  sandbox: string,
  match: string,
  isOwn: (service: string) => boolean,
  tasks: number,
): Promise<() => Promise<Counts>> {
  const sides = await Promise.all(
    nodes.map((node) =>
      until(
        `Docker's own mesh and Fairway on ${node.name} to have ${tasks} tasks each for ${match}`,
        async () => {
          const [mark, services] = [await dockersService(node, sandbox, match), await virtualServices(node, sandbox)];
          const names = { docker: mark ?? '', fairway: Object.keys(services).find(isOwn) ?? '' };
          const weights = [names.docker, names.fairway].map((name) => Object.values(services[name]?.weights ?? {}));
          return weights.every((all) => all.length === tasks && all.every((weight) => weight > 0))
            ? names
            : JSON.stringify([names, services]);
        },
        waits,
      ),
    ),
  );
  return async () => {
    const all = await Promise.all(nodes.map((node) => virtualServices(node, sandbox)));
    const of = (side: 'docker' | 'fairway') =>
      all.map((services, at) => services[sides[at]?.[side] ?? '']?.connections ?? 0);
    return { docker: of('docker'), fairway: of('fairway') };
  };
}

type Counts = Readonly<Record<'docker' | 'fairway', readonly number[]>>;

/** Waits until Fairway has counted so many, since IPVS counts up to two seconds late, and gives what both have then. */
async function whenCounted(counts: () => Promise<Counts>, fairway: readonly number[]): Promise<Counts> {
  await until(
    `Fairway to have counted ${fairway}`,
    async () => {
      const now = await counts();
      return `${now.fairway}` === `${fairway}` || JSON.stringify(now);
    },
    waits,
  );
  return counts();
}

/** Waits until each counter has grown by more than so much. */
async function grown(what: string, read: () => Promise<readonly number[]>, since: readonly number[], most: number) {
  await until(
    what,
    async () => {
      const now = await read();
      return now.every((count, at) => count - (since[at] ?? 0) > most) || `${now} since ${since}`;
    },
    waits,
  );
}

/** Whether Docker has one service only: a virtual service, and the rule for its virtual IP, which it takes away last. */
const hasOneService = (own: string) =>
  own.match(/^-A -f /gm)?.length === 1 && own.match(/^-A INPUT .* MARK /gm)?.length === 1;

/**
 * Tells every node to leave its rules, or to take them back, until all have. A node whose kernel takes longer than the
 * command waits for goes on with it, and says so when it is told again.
 */
function told(swarm: Swarm, request: 'uninstall' | 'install') {
  return until(
    `fairway ${request} --all to be done`,
    async () => {
      const { status, stderr } = await swarm.fairway(request, '--all');
      return status === 0 || stderr;
    },
    waits,
  );
}

const isPort = (port: number) => (service: string) => service.startsWith('TCP ') && service.endsWith(`:${port}`);

/** By which Fairway has a virtual IP balanced: the address as a number. */
const markOf = (vip: string) => vip.split('.').reduce((number, byte) => (number << 8) | Number(byte), 0);

const isMarked = (vip: string) => (service: string) => service === `FWM ${markOf(vip)}`;

/** What IPVS has of Fairway's for a published port. */
async function ownService(node: ClusterNode, port: number) {
  return Object.entries(await virtualServices(node, ingress)).find(([service]) => isPort(port)(service))?.[1];
}

describe.runIf(hasIpvs)("beside Docker's own mesh", () => {
  test.concurrent('a virtual IP is balanced by Fairway alone: by the counters of both', async ({ swarm }) => {
    const network = await swarm.network('beside');
    const options = ['--network', 'beside'];
    await swarm.create('counted', { replicas: 2, options: [...options, '--label', 'fairway.scheduler=wlc'] });
    await swarm.create('counting', { command: ['sleep', '2147483647'], options });
    await swarm.running('counted', 2);
    const [caller] = await swarm.running('counting', 1);
    const node = swarm.nodes.find(({ swarmNodeId }) => swarmNodeId === caller?.node);
    if (!caller || !node) throw new Error('nobody to call');
    // By the tasks' own addresses, so that nothing is counted yet.
    await swarm.answersInside(caller, 'tasks.counted:8000', await swarm.names('counted'));
    const vip = await swarm.vip('counted');
    const counts = await bothSides([node], `lb_${network.slice(0, 9)}`, `-d ${vip}/32 `, isMarked(vip), 2);
    await swarm.inside(caller, `for turn in 1 2 3 4 5 6; do wget -q -O - http://${vip}:8000/; done`);
    expect(await whenCounted(counts, [6])).toEqual({ docker: [0], fairway: [6] });
    const { stdout } = await node.execSandbox(`lb_${network.slice(0, 9)}`, 'ipvsadm -Sn');
    expect(stdout).toContain(`-A -f ${markOf(vip)} -s wlc\n`);
  });

  test.concurrent('a task that drains gets nothing more from any node and has weight 0 where it keeps connections, and leaves when it has ended', async ({
    swarm,
  }) => {
    // As process 1 it hears SIGTERM and goes on, until Docker kills it.
    await swarm.create('drained', {
      ports: ['8820:8000'],
      replicas: 2,
      command: ['sh', '-c', 'trap : TERM; echo-tcp 8000 & while kill -0 $!; do wait; done'],
      options: ['--stop-grace-period', '30s'],
    });
    const tasks = await swarm.running('drained', 2);
    const weights = async (node: ClusterNode) => Object.values((await ownService(node, 8820))?.weights ?? {}).sort();
    const eachWeighs = (what: string, wanted: (weights: readonly number[], node: ClusterNode) => boolean) =>
      until(
        what,
        async () => {
          const all = await Promise.all(swarm.nodes.map(weights));
          return swarm.nodes.every((node, at) => wanted(all[at] ?? [], node)) || JSON.stringify(all);
        },
        waits,
      );
    const are = (wanted: string) => (all: readonly number[]) => `${all}` === wanted;
    await eachWeighs('both tasks to have weight 1 on every node', are('1,1'));
    const address = swarm.nodes[0]?.address ?? '';
    const open = () => HeldConnection.open(swarm.cluster, address, 8820);
    const names = `${await swarm.names('drained')}`;
    // A task has its weight once Docker calls it running, which is before its program listens.
    const connections = await until(
      'a connection to each task',
      async () => {
        const opened = [await open(), await open()];
        const to = `${opened.map(({ name }) => name).sort()}`;
        if (to === names) return opened;
        for (const { held } of opened) held.close();
        return to;
      },
      waits,
    );
    try {
      await swarm.docker('service', 'scale', '--detach', 'drained=1');
      // Where it has no connection it leaves at the next look.
      await eachWeighs(
        'one task to have weight 0 where it has a connection, and no other weight anywhere',
        (all, node) => are('0,1')(all) || (node.address !== address && are('1')(all)),
      );
      const [stays] = await swarm.running('drained', 1);
      const left = tasks.find(({ id }) => id !== stays?.id);
      const draining = connections.find(({ name }) => name === `I'm ${left?.container.slice(0, 12)}`);
      expect(await draining?.held.say('still there?')).toBe('still there?');
      const again = await Promise.all([open(), open(), open()]);
      for (const { held, name } of again) {
        expect(name).toBe(`I'm ${stays?.container.slice(0, 12)}`);
        held.close();
      }
      expect(await draining?.held.say('and now?')).toBe('and now?');
    } finally {
      for (const { held } of connections) held.close();
    }
    await eachWeighs('the task that ended to be gone from every node', are('1'));
  });

  test('a published port is balanced by Fairway alone; it and a virtual IP, left to Docker under traffic and taken back, fail no connection', async ({
    swarm,
  }) => {
    const network = await swarm.network('handing');
    const options = ['--network', 'handing'];
    await swarm.create('handed', { ports: ['8810:8000', '8811:8000'], replicas: 2, options });
    await swarm.create('caller', { command: ['sleep', '2147483647'], options });
    const [caller] = await swarm.running('caller', 1);
    const near = swarm.nodes.find(({ swarmNodeId }) => swarmNodeId === caller?.node);
    if (!caller || !near) throw new Error('nobody to call');
    // By the other port and the tasks' own addresses, so that nothing is counted yet.
    await swarm.answers('handed', 8811, 2);
    await swarm.answersInside(caller, 'tasks.handed:8000', await swarm.names('handed'));
    const counts = await bothSides(swarm.nodes, ingress, '--dport 8810 ', isPort(8810), 2);
    const vip = await swarm.vip('handed', network);
    const vipCounts = await bothSides([near], `lb_${network.slice(0, 9)}`, `-d ${vip}/32 `, isMarked(vip), 2);
    const dockers = () => Promise.all(swarm.nodes.map((node) => dockersOwn(node, ingress)));
    await until(
      "Docker's own mesh to have taken away the services of the tests before",
      async () => {
        const own = await dockers();
        return own.every(hasOneService) || own.join('\n');
      },
      waits,
    );
    const rules = await dockers();
    const targets = swarm.nodes.map(({ address }) => `${address}:8810`);
    expect((await swarm.probe({ carrier: 'tcp', targets, count: 60 })).failures).toEqual({});
    const served = { docker: [0, 0, 0], fairway: [20, 20, 20] };
    expect(await whenCounted(counts, served.fairway)).toEqual(served);

    const traffic = swarm.traffic(8810, 2);
    const calls = swarm.callsInside(caller, `${vip}:8000`);
    try {
      await told(swarm, 'uninstall');
      for (const node of swarm.nodes) {
        expect(await ownService(node, 8810)).toBeUndefined();
        for (const sandbox of [undefined, ingress])
          expect(await swarm.table(node, sandbox)).not.toContain('table inet fairway {');
      }
      const docker = async (of: typeof counts) => (await of()).docker;
      await grown("Docker's own mesh to balance the traffic on every node", () => docker(counts), served.docker, 3);
      await grown("Docker's own mesh to balance the virtual IP", () => docker(vipCounts), [0], 3);
      expect(await dockers()).toEqual(rules);
    } finally {
      await told(swarm, 'install');
    }
    const fairway = async (of: typeof counts) => (await of()).fairway;
    await grown('Fairway to balance the traffic on every node', () => fairway(counts), [0, 0, 0], 3);
    await grown('Fairway to balance the virtual IP', () => fairway(vipCounts), [0], 3);
    const { answers, failures } = await traffic.end();
    expect(failures).toEqual({});
    expect(Object.keys(answers).sort()).toEqual(await swarm.names('handed'));
    expect(await calls.end()).toEqual(await swarm.names('handed'));
    expect(await dockers()).toEqual(rules);
  });

  test("an audit finds what others change of Docker's own mesh, and that all is well before and after", async ({
    swarm,
  }) => {
    const [node] = swarm.nodes;
    if (!node) throw new Error('no node');
    const network = await swarm.network('auditing');
    const sandbox = `lb_${network.slice(0, 9)}`;
    const constraint = ['--constraint', `node.hostname==${node.name}`];
    await swarm.create('published', { ports: ['8840:8000'], replicas: 2 });
    await swarm.create('named', { replicas: 2, options: ['--network', 'auditing', ...constraint] });
    await swarm.answers('published', 8840, 2);
    await swarm.running('named', 2);
    await swarm.converged();
    const isWell = () =>
      until(
        `Docker's own mesh to be as it should be on ${node.name}`,
        async () => {
          const { status, findings, unable } = await swarm.examine('audit', node);
          return status === 0 || JSON.stringify({ findings, unable });
        },
        waits,
      );
    await isWell();

    const mark = (await dockersService(node, ingress, '--dport 8840 '))?.split(' ')[1] ?? '';
    const task = Object.keys((await virtualServices(node, ingress))[`FWM ${mark}`]?.weights ?? {})[0] ?? '';
    const vip = await swarm.vip('named', network);
    const listed = (await node.exec('iptables -t nat -S DOCKER-INGRESS')).stdout;
    const rule = /^-A (DOCKER-INGRESS .*--dport 8840 .*)$/m.exec(listed)?.[1] ?? '';
    const done = { status: 0, stderr: '' };
    expect(await node.exec(`iptables -t nat -D ${rule}`)).toMatchObject(done);
    const others = `ipvsadm -d -f ${mark} -r ${task} && ipvsadm -a -f ${mark} -r 192.0.2.250:0 -m`;
    expect(await node.execSandbox(ingress, others)).toMatchObject(done);
    expect(await node.execSandbox(sandbox, `ip addr del ${vip}/32 dev eth0`)).toMatchObject(done);
    const { status, findings, unable } = await swarm.examine('audit', node);
    const lost = task.split(':')[0];
    expect({ status, unable, findings }, [...findings, JSON.stringify(unable)].join('\n')).toEqual({
      status: 1,
      unable: [],
      findings: [
        'missing, host: nothing leads 8840/tcp to the sandbox',
        expect.stringMatching(`^missing, ingress_sbox: IPVS does not have ${lost}, task .* of published$`),
        'stale, ingress_sbox: IPVS sends what is for published to 192.0.2.250, where no task is',
        `missing, ${sandbox}: the sandbox does not answer for the virtual IP ${vip} of named`,
      ],
    });
    await node.execSandbox(sandbox, `ip addr add ${vip}/32 dev eth0`);
    await node.execSandbox(ingress, `ipvsadm -d -f ${mark} -r 192.0.2.250:0; ipvsadm -a -f ${mark} -r ${task} -m`);
    await node.exec(`iptables -t nat -I ${rule}`);
    await isWell();
  });

  test('nftables balances where it is asked for, and keeps Docker from no virtual IP', async ({ swarm }) => {
    const [node] = swarm.nodes;
    if (!node) throw new Error('no node');
    const network = await swarm.network('either');
    const options = ['--network', 'either', '--constraint', `node.hostname==${node.name}`];
    await swarm.create('before', { ports: ['8830:8000'], replicas: 2, options });
    await swarm.answers('before', 8830, 2);
    const part = swarm.cluster.process(node.name);
    await part.stop();
    await part.start({ FAIRWAY_BALANCER: 'nftables' });
    try {
      await until(
        `nftables to balance on ${node.name}`,
        async () => {
          const [table, onIpvs] = [await swarm.table(node, ingress), await ownService(node, 8830)];
          // IPVS loses its service after the table leads elsewhere.
          return (table.includes('8830 . 1 : ') && onIpvs === undefined) || `${table}\n${JSON.stringify(onIpvs)}`;
        },
        waits,
      );
      await swarm.answers('before', 8830, 2);
      await swarm.create('after', { options });
      await swarm.running('after', 1);
      const [caller] = await swarm.running('before', 2);
      if (!caller) throw new Error('nobody to call');
      await swarm.answersInside(caller, 'after:8000', await swarm.names('after'));
      const vip = await swarm.vip('after');
      await until(
        "Docker's own mesh to have the virtual IP",
        async () => {
          const mark = await dockersService(node, `lb_${network.slice(0, 9)}`, `-d ${vip}/32 `);
          return mark !== undefined || 'no mark';
        },
        waits,
      );
    } finally {
      await part.stop();
      await part.start({ FAIRWAY_BALANCER: 'auto' });
    }
  });
});
