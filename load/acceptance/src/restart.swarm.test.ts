// Fairway starts again without anybody noticing. Ports 84xx.
import { isDeepStrictEqual } from 'node:util';
import { run, until } from '@fairway/cluster';
import type { View } from '@fairway/mesh';
import { expect } from 'vitest';
import { HeldConnection } from './held-connection.ts';
import { saysReady } from './says-ready.ts';
import { type Swarm, stateMaxMs } from './swarm.ts';
import { test } from './swarm-test.ts';

const nodeProcesses = (swarm: Swarm) => swarm.nodes.map(({ name }) => swarm.cluster.process(name));

test('node processes killed and started again under load: no request fails, and no rule is touched', async ({
  swarm,
}) => {
  await swarm.create('lasting', { ports: ['8400:8000'], replicas: 3 });
  await swarm.answers('lasting', 8400, 3);
  await swarm.converged();
  const monitor = await swarm.monitor(swarm.cluster.manager);
  const traffic = swarm.traffic(8400);
  for (const part of nodeProcesses(swarm)) await part.kill();
  for (const part of nodeProcesses(swarm)) await part.start();
  // The view is converged all the while; a node explains its plan once it has read its kernel and made one.
  for (const { name } of swarm.nodes) await swarm.explains(name, 8400);
  await swarm.converged();
  const { answers, failures } = await traffic.end();
  expect(failures).toEqual({});
  expect(Object.keys(answers)).toHaveLength(3);
  expect(await monitor.end()).toEqual([]);
});

test('all of Fairway killed at once, its bus too, and started again: connections go on, and new ones are answered', async ({
  swarm,
}) => {
  await swarm.create('whole', { ports: ['8470:8000'], replicas: 3 });
  await swarm.create('talking', { ports: ['8471:8000'], command: ['echo-tcp', '8000'] });
  await swarm.answers('whole', 8470, 3);
  const held = await Promise.all(
    swarm.nodes.map(({ address }) => HeldConnection.openToTask(swarm.cluster, address, 8471)),
  );
  await swarm.converged();
  const each = async (line: string) => {
    for (const one of held) expect(await one.say(line)).toBe(line);
  };
  const traffic = swarm.traffic(8470);
  try {
    const parts = swarm.cluster.processes.filter(({ name }) => !name.endsWith('.dockerd'));
    await Promise.all(parts.map((part) => part.kill()));
    await each('nobody routes you');
    for (const part of parts) await part.start();
    for (const { name } of swarm.nodes) await swarm.explains(name, 8470);
    await swarm.docker('service', 'scale', '--detach', 'whole=4');
    await swarm.answers('whole', 8470, 4);
    await each('somebody does again');
  } finally {
    for (const one of held) one.close();
  }
  expect((await traffic.end()).failures).toEqual({});
});

test('tables that an earlier release left are taken over under load: no request fails, and connections go on', async ({
  swarm,
}) => {
  await swarm.create('older', { ports: ['8480:8000'], replicas: 3 });
  await swarm.create('speaking', { ports: ['8481:8000'], command: ['echo-tcp', '8000'] });
  await swarm.answers('older', 8480, 3);
  await swarm.converged();
  const places = swarm.nodes.flatMap((node) => [undefined, 'ingress_sbox'].map((sandbox) => ({ node, sandbox })));
  const layouts = () =>
    Promise.all(
      places.map(
        async ({ node, sandbox }) => /comment "layout (\d+)/.exec(await swarm.table(node, sandbox))?.[1] ?? '',
      ),
    );
  const present = await layouts();
  const held = await Promise.all(
    swarm.nodes.map(({ address }) => HeldConnection.openToTask(swarm.cluster, address, 8481)),
  );
  const traffic = swarm.traffic(8480);
  try {
    for (const part of nodeProcesses(swarm)) await part.kill();
    // As a table of another release says of itself, in one transaction.
    const aged = `{ echo 'delete table inet fairway'; nft list table inet fairway | sed 's/comment "layout [0-9]*/comment "layout 1/'; }`;
    for (const { node, sandbox } of places) {
      const age = `${aged} >/tmp/fairway-aged && nft -f /tmp/fairway-aged; rm /tmp/fairway-aged`;
      await (sandbox === undefined ? node.exec(age) : node.execSandbox(sandbox, age));
    }
    expect(await layouts()).toEqual(places.map(() => '1'));
    for (const part of nodeProcesses(swarm)) await part.start();
    await until(
      'every table to be of this release',
      async () => {
        const now = await layouts();
        return isDeepStrictEqual(now, present) || now.join();
      },
      { limitMs: stateMaxMs },
    );
    await swarm.docker('service', 'scale', '--detach', 'older=4');
    await swarm.answers('older', 8480, 4);
    for (const one of held) expect(await one.say('still there?')).toBe('still there?');
  } finally {
    for (const one of held) one.close();
  }
  expect((await traffic.end()).failures).toEqual({});
});

test('what changed while a node process was away is put right when it is back, and only that', async ({ swarm }) => {
  await swarm.create('stays', { ports: ['8410:8000'], replicas: 2 });
  await swarm.create('leaves', { ports: ['8411:8000'] });
  await swarm.answers('stays', 8410, 2);
  await swarm.answers('leaves', 8411);
  const traffic = swarm.traffic(8410);
  for (const part of nodeProcesses(swarm)) await part.kill();
  await swarm.remove('leaves');
  await swarm.create('comes', { ports: ['8412:8000'] });
  for (const part of nodeProcesses(swarm)) await part.start();
  await swarm.answers('comes', 8412);
  await swarm.refused(8411);
  expect((await traffic.end()).failures).toEqual({});
});

test('the bus deleted under load, the node processes restarted while it is half rebuilt: no request fails', async ({
  swarm,
}) => {
  await swarm.create('survives', { ports: ['8420:8000'], replicas: 3 });
  await swarm.answers('survives', 8420, 3);
  const { epoch } = await swarm.converged();
  const traffic = swarm.traffic(8420);

  await swarm.cluster.wipeBus();
  // Half rebuilt: there is a new epoch, and it is not complete.
  await until('a new epoch', async () => (await swarm.status()).epoch !== epoch || 'still the old one', {
    limitMs: 30_000,
    everyMs: 5,
  });
  for (const part of nodeProcesses(swarm)) await part.kill();
  for (const part of swarm.deciders) await part.kill();
  for (const part of [...nodeProcesses(swarm), ...swarm.deciders]) await part.start();

  await swarm.view(
    'every node to have applied the new epoch',
    (view) => (view.converged && view.epoch !== epoch) || JSON.stringify(view.pending),
  );
  await swarm.answers('survives', 8420, 3);
  expect((await traffic.end()).failures).toEqual({});

  // And the mesh built anew goes on following the swarm.
  await swarm.docker('service', 'scale', '--detach', 'survives=1');
  await swarm.answers('survives', 8420, 1);
});

test('without its cache on disk a node keeps what its kernel has until the bus is rebuilt', async ({ swarm }) => {
  await swarm.create('bare', { ports: ['8430:8000'], replicas: 3 });
  await swarm.answers('bare', 8430, 3);
  const { epoch } = await swarm.converged();
  const traffic = swarm.traffic(8430);
  for (const part of nodeProcesses(swarm)) await part.kill();
  for (const node of swarm.nodes) await node.exec(`rm -rf ${node.dir}/state`);
  await swarm.cluster.wipeBus();
  for (const part of nodeProcesses(swarm)) await part.start();
  await swarm.view(
    'every node to have applied the new epoch',
    (view) => (view.converged && view.epoch !== epoch) || JSON.stringify(view.pending),
  );
  expect((await traffic.end()).failures).toEqual({});
  await swarm.answers('bare', 8430, 3);
});

test('a cache that is older than the rules in the kernel takes none of them away', async ({ swarm }) => {
  await swarm.create('older', { ports: ['8450:8000'] });
  await swarm.answers('older', 8450);
  await swarm.converged();
  for (const node of swarm.nodes) {
    const cached = `grep -q older ${node.dir}/state/mesh && cp ${node.dir}/state/mesh ${node.dir}/state/before`;
    await until('the mesh to be on disk', async () => (await node.exec(cached)).status === 0 || 'not yet', {
      limitMs: 10_000,
    });
  }
  await swarm.create('younger', { ports: ['8451:8000'] });
  await swarm.answers('younger', 8451);
  const traffic = swarm.traffic(8451);
  for (const part of [...nodeProcesses(swarm), ...swarm.deciders]) await part.kill();
  for (const node of swarm.nodes) await node.exec(`mv ${node.dir}/state/before ${node.dir}/state/mesh`);
  await swarm.cluster.wipeBus();
  try {
    for (const part of nodeProcesses(swarm)) {
      const said = part.log(1000).split('\n').length - 1;
      const since = () => part.log(1000).split('\n').slice(said).join('\n');
      await part.start();
      await until(`${part.name} to act on its disk`, async () => since().includes('mesh on disk') || since(), {
        limitMs: 30_000,
      });
    }
    // Without a decider they have nothing else.
    await swarm.answers('younger', 8451);
  } finally {
    for (const part of swarm.deciders) await part.start();
  }
  await swarm.converged();
  await swarm.answers('younger', 8451);
  expect((await traffic.end()).failures).toEqual({});
});

test('with the bus gone the mesh stays as it is, and goes on when the bus is back', async ({ swarm }) => {
  await swarm.create('static', { ports: ['8440:8000'], replicas: 2 });
  await swarm.answers('static', 8440, 2);
  const traffic = swarm.traffic(8440);
  const { servers } = swarm.cluster.bus;
  await Promise.all(servers.map((server) => server.kill()));
  try {
    const noticed = (view: View) => view.pending.some(({ about }) => about === 'bus') || 'not yet';
    await swarm.view('the console to have noticed', noticed);
    await swarm.answers('static', 8440, 2);
  } finally {
    for (const server of servers) await server.start();
  }
  await swarm.docker('service', 'scale', '--detach', 'static=3');
  await swarm.answers('static', 8440, 3);
  expect((await traffic.end()).failures).toEqual({});
});

test('each server of the bus killed in turn: changes go on without it, and no request fails', async ({
  skip,
  swarm,
}) => {
  skip(swarm.cluster.bus.servers.length < 3, 'without its only server the bus is gone; FAIRWAY_BUS=cluster has three');
  await swarm.create('outlives', { ports: ['8460:8000'], replicas: 2, options: saysReady });
  await swarm.answers('outlives', 8460, 2);
  const traffic = swarm.traffic(8460);
  let replicas = 2;
  for (const server of swarm.cluster.bus.servers) {
    await swarm.converged();
    await server.kill();
    try {
      // Up only: a task that ends during an election is called by other nodes until that is over.
      replicas += 1;
      await swarm.docker('service', 'scale', '--detach', `outlives=${replicas}`);
      await swarm.answers('outlives', 8460, replicas);
    } finally {
      await server.start();
    }
  }
  await swarm.converged();
  expect((await traffic.end()).failures).toEqual({});
});

test('each decider and console killed amid changes: each change arrives, by another where there is one', async ({
  swarm,
}) => {
  await swarm.create('steady', { ports: ['8490:8000'] });
  await swarm.answers('steady', 8490);
  for (const replicas of [swarm.deciders, swarm.consoles]) {
    for (const [turn, part] of replicas.entries()) {
      await part.kill();
      if (replicas.length === 1) await part.start();
      const tasks = 2 - (turn % 2);
      await swarm.docker('service', 'scale', '--detach', `steady=${tasks}`);
      await swarm.answers('steady', 8490, tasks);
      await swarm.view(`${tasks} tasks to be told of`, ({ services }) => {
        const serving = services.find(({ name }) => name === 'steady')?.serving;
        return serving === tasks || `${serving} serve`;
      });
      expect((await swarm.fairway('status')).stdout).toContain('steady');
      await part.start();
    }
  }
  await swarm.converged();
});

test('with no decider a task that ends gets nothing more from any node: its own node says so', async ({ swarm }) => {
  const options = ['--restart-condition', 'none'];
  await swarm.create('told', { ports: ['8491:8000'], replicas: 2, options });
  await swarm.answers('told', 8491, 2);
  await swarm.converged();
  const [ended, other] = await swarm.tasks('told');
  if (!ended || !other) throw new Error('two tasks run');
  await Promise.all(swarm.deciders.map((decider) => decider.kill()));
  const home = swarm.nodes.find(({ swarmNodeId }) => swarmNodeId === ended.node);
  await run(['docker', '-H', `unix://${home?.socket}`, 'kill', ended.container]);
  const states = { [ended.id]: 'gone', [other.id]: 'serving' };
  for (const { name } of swarm.nodes)
    await until(
      `${name} to know that the task has ended`,
      async () => {
        const { backends } = await swarm.explanation(name, 8491);
        // Of one that a manager says is released as well nothing is left to be told.
        const found = { [ended.id]: 'gone', ...Object.fromEntries(backends.map(({ task, state }) => [task, state])) };
        return isDeepStrictEqual(found, states) || JSON.stringify(found);
      },
      { limitMs: stateMaxMs },
    );
  await swarm.answeredBy(swarm.nodes, 8491, 1);
  await Promise.all(swarm.deciders.map((decider) => decider.start()));
  await swarm.view('one task to be told of', ({ services }) => {
    const serving = services.find(({ name }) => name === 'told')?.serving;
    return serving === 1 || `${serving} serve`;
  });
  await swarm.answeredBy(swarm.nodes, 8491, 1);
});
