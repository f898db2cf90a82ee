// On a kernel with IPVS, where Docker's own mesh works too; elsewhere there is nothing to try. Ports 88xx.
import { spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { type ClusterNode, until } from '@fairway/cluster';
import { describe, expect } from 'vitest';
import { HeldConnection } from './held-connection.ts';
import { dockersOwn, dockersService, virtualServices } from './sandbox-ipvs.ts';
import type { Swarm } from './swarm.ts';
import { test } from './swarm-test.ts';

const hasIpvs = spawnSync('ipvsadm', ['-S', '-n']).status === 0;

const ingress = 'ingress_sbox';

/** Docker's mesh takes a minute to come to a service on an emulated machine. */
const waits = { limitMs: 60_000, everyMs: 200 };

/** Waits until Docker's own mesh has the port too, with so many tasks on every node, and gives its service on each. */
async function dockerServes(swarm: Swarm, port: number, tasks: number): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const node of swarm.nodes) {
    await until(
      `Docker's own mesh to have ${port} on ${node.name}`,
      async () => {
        const service = await dockersService(node, ingress, `--dport ${port} `);
        const weights = service && (await virtualServices(node, ingress))[service]?.weights;
        if (service && Object.keys(weights ?? {}).length === tasks) return found.set(node.name, service);
        return `${service} ${JSON.stringify(weights)}`;
      },
      waits,
    );
  }
  return found;
}

/** The service of Fairway's for a published port, `TCP 172.18.0.2:8000`, and what IPVS has of it. */
async function ownService(node: ClusterNode, port: number) {
  const services = await virtualServices(node, ingress);
  const name = Object.keys(services).find((service) => service.startsWith('TCP ') && service.endsWith(`:${port}`));
  return name === undefined ? undefined : services[name];
}

describe.runIf(hasIpvs)("beside Docker's own mesh", () => {
  test.concurrent('every connection is balanced by Fairway alone: by counters, at a published port and at a virtual IP', async ({
    swarm,
  }) => {
    const network = await swarm.network('beside');
    const options = ['--network', 'beside'];
    await swarm.create('counted', {
      ports: ['8800:8000'],
      replicas: 2,
      options: [...options, '--label', 'fairway.scheduler=wlc'],
    });
    await swarm.create('counting', { command: ['sleep', '2147483647'], options });
    await swarm.answers('counted', 8800, 2);
    const marks = await dockerServes(swarm, 8800, 2);
    const own = async () =>
      Promise.all(
        swarm.nodes.map(async (node) => ({
          docker: (await virtualServices(node, ingress))[marks.get(node.name) ?? '']?.connections ?? 0,
          fairway: (await ownService(node, 8800))?.connections ?? 0,
        })),
      );
    const before = await settledCounts(own);
    const targets = swarm.nodes.map(({ address }) => `${address}:8800`);
    const { failures } = await swarm.probe({ carrier: 'tcp', targets, count: 60 });
    expect(failures).toEqual({});
    await until(
      'all connections to be counted',
      async () => {
        const now = await own();
        const grown = now.map(({ fairway }, at) => fairway - (before[at]?.fairway ?? 0));
        return grown.every((count) => count === 20) || `${grown}`;
      },
      waits,
    );
    expect((await own()).map(({ docker }) => docker)).toEqual(before.map(({ docker }) => docker));

    const [caller] = await swarm.running('counting', 1);
    const node = swarm.nodes.find(({ swarmNodeId }) => swarmNodeId === caller?.node);
    if (!caller || !node) throw new Error('nobody to call');
    await swarm.answersInside(caller, 'counted:8000', await swarm.names('counted'));
    const vip = await swarm.vip('counted', network);
    const sandbox = `lb_${network.slice(0, 9)}`;
    const dockers = await until(
      "Docker's own mesh to have the virtual IP",
      async () => (await dockersService(node, sandbox, `-d ${vip}/32 `))?.split(' ') ?? 'no mark',
      waits,
    );
    const counts = async () => {
      const services = await virtualServices(node, sandbox);
      const mark = vip.split('.').reduce((number, byte) => (number << 8) | Number(byte), 0);
      return [
        { docker: services[dockers.join(' ')]?.connections ?? 0, fairway: services[`FWM ${mark}`]?.connections ?? 0 },
      ];
    };
    const [vipBefore] = await settledCounts(counts);
    await swarm.inside(caller, `for turn in 1 2 3 4 5 6; do wget -q -O - http://${vip}:8000/; done`);
    await until(
      'the calls of the virtual IP to be counted',
      async () => {
        const [now] = await counts();
        return (now?.fairway ?? 0) - (vipBefore?.fairway ?? 0) === 6 || JSON.stringify(now);
      },
      waits,
    );
    expect((await counts())[0]?.docker).toBe(vipBefore?.docker);
  });

  test.concurrent('a task that drains has weight 0 on every node and keeps its connections, and leaves when it has ended', async ({
    swarm,
  }) => {
    // As process 1 it hears SIGTERM and goes on, until Docker kills it.
    await swarm.create('drained', {
      ports: ['8820:8000'],
      replicas: 2,
      command: ['sh', '-c', 'trap : TERM; echo-tcp 8000 & while kill -0 $!; do wait; done'],
      options: ['--stop-grace-period', '45s'],
    });
    const tasks = await swarm.running('drained', 2);
    const weights = async (node: ClusterNode) => Object.values((await ownService(node, 8820))?.weights ?? {}).sort();
    const eachWeighs = (what: string, wanted: readonly number[]) =>
      until(
        what,
        async () => {
          const all = await Promise.all(swarm.nodes.map(weights));
          return all.every((one) => `${one}` === `${wanted}`) || JSON.stringify(all);
        },
        waits,
      );
    await eachWeighs('both tasks to have weight 1 on every node', [1, 1]);
    const address = swarm.nodes[0]?.address ?? '';
    const open = () => HeldConnection.open(swarm.cluster, address, 8820);
    const connections = [await open(), await open()];
    try {
      expect(connections.map(({ name }) => name).sort()).toEqual(await swarm.names('drained'));
      await swarm.docker('service', 'scale', '--detach', 'drained=1');
      await eachWeighs('one task to have weight 0 on every node', [0, 1]);
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
    await eachWeighs('the task that ended to be gone from every node', [1]);
  });

  test('left to Docker under traffic and taken back: no connection fails, and nothing of Docker’s is touched', async ({
    swarm,
  }) => {
    await swarm.create('handed', { ports: ['8810:8000'], replicas: 2 });
    await swarm.answers('handed', 8810, 2);
    const marks = await dockerServes(swarm, 8810, 2);
    const dockers = () => Promise.all(swarm.nodes.map((node) => dockersOwn(node, ingress)));
    const before = await dockers();
    const connections = async () =>
      Promise.all(
        swarm.nodes.map(async (node) => {
          const services = await virtualServices(node, ingress);
          return services[marks.get(node.name) ?? '']?.connections ?? 0;
        }),
      );
    const served = await connections();
    const traffic = swarm.traffic(8810, 2);
    try {
      expect(await swarm.fairway('uninstall', '--all')).toMatchObject({ status: 0 });
      for (const node of swarm.nodes) {
        expect(await ownService(node, 8810)).toBeUndefined();
        expect(await swarm.table(node, ingress)).not.toContain('table inet fairway {');
        expect(await swarm.table(node)).not.toContain('table inet fairway {');
      }
      await until(
        "Docker's own mesh to balance the traffic on every node",
        async () => {
          const now = await connections();
          return now.every((count, at) => count > (served[at] ?? 0) + 3) || `${now}`;
        },
        waits,
      );
      expect(await dockers()).toEqual(before);
    } finally {
      expect(await swarm.fairway('install', '--all')).toMatchObject({ status: 0 });
    }
    const taken = await connections();
    await until(
      'Fairway to balance the traffic on every node',
      async () => {
        const now = await Promise.all(swarm.nodes.map((node) => ownService(node, 8810)));
        return now.every((own) => (own?.connections ?? 0) > 3) || JSON.stringify(now);
      },
      waits,
    );
    const { answers, failures } = await traffic.end();
    expect(failures).toEqual({});
    expect(Object.keys(answers).sort()).toEqual(await swarm.names('handed'));
    expect(taken.length).toBe(3);
    expect(await dockers()).toEqual(before);
  });

  test('nftables balances where it is asked for, and keeps Docker from no virtual IP', async ({ swarm }) => {
    const network = await swarm.network('either');
    const options = ['--network', 'either'];
    await swarm.create('before', { ports: ['8830:8000'], replicas: 2, options });
    await swarm.answers('before', 8830, 2);
    const restart = async (balancer: string) => {
      for (const { name } of swarm.nodes) {
        const part = swarm.cluster.process(name);
        await part.stop();
        await part.start({ FAIRWAY_BALANCER: balancer });
      }
    };
    try {
      await restart('nftables');
      await until(
        'nftables to balance on every node',
        async () => {
          const tables = await Promise.all(swarm.nodes.map((node) => swarm.table(node, ingress)));
          return tables.every((table) => table.includes('8830 . 1 : ')) || tables.join('\n');
        },
        waits,
      );
      for (const node of swarm.nodes) expect(await ownService(node, 8830)).toBeUndefined();
      await swarm.answers('before', 8830, 2);
      await swarm.create('after', { options });
      await swarm.running('after', 1);
      const [caller] = await swarm.running('before', 2);
      const node = swarm.nodes.find(({ swarmNodeId }) => swarmNodeId === caller?.node);
      if (!caller || !node) throw new Error('nobody to call');
      await swarm.answersInside(caller, 'after:8000', await swarm.names('after'));
      const vip = await swarm.vip('after', network);
      await until(
        "Docker's own mesh to have the virtual IP",
        async () =>
          (await dockersService(node, `lb_${network.slice(0, 9)}`, `-d ${vip}/32 `)) !== undefined || 'no mark',
        waits,
      );
    } finally {
      await restart('auto');
    }
    await until(
      'IPVS to balance on every node again',
      async () => {
        const own = await Promise.all(swarm.nodes.map((node) => ownService(node, 8830)));
        return own.every((one) => Object.keys(one?.weights ?? {}).length === 2) || JSON.stringify(own);
      },
      waits,
    );
    await swarm.answers('before', 8830, 2);
  });
});

/** Counters of IPVS lag by up to two seconds: they are read until two readings that far apart are the same. */
async function settledCounts<Counts>(read: () => Promise<readonly Counts[]>): Promise<readonly Counts[]> {
  let last = await read();
  return until(
    'the counters to settle',
    async () => {
      await pause(2_500);
      const now = await read();
      const same = JSON.stringify(now) === JSON.stringify(last);
      last = now;
      return same ? now : JSON.stringify(now);
    },
    { limitMs: 60_000, everyMs: 0 },
  );
}
