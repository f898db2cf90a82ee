// Nothing is sent to a node that is lost. Ports 87xx.
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

test('a node that loses power gets nothing more, and gets its part again when it is back', async ({ swarm }) => {
  const [, , victim] = swarm.nodes;
  if (!victim) throw new Error('the swarm has three nodes');
  const there = ['--constraint', `node.hostname==${victim.name}`];
  await swarm.create('lone', { ports: ['8700:8000'], options: there });
  await swarm.create('spread', { ports: ['8701:8000'], everywhere: true });
  await swarm.answers('lone', 8700);
  await swarm.answers('spread', 8701, 3);
  await swarm.converged();
  await swarm.cutPower(victim);
  try {
    const view = await swarm.view('the node to be taken for lost', ({ nodes }) => {
      const node = nodes.find(({ name }) => name === victim.name);
      return node?.lost !== undefined || JSON.stringify(node);
    });
    // Before Docker knows: it takes some 15 s.
    const node = view.nodes.find(({ name }) => name === victim.name);
    expect(node).toMatchObject({
      state: 'ready',
      lost: expect.stringMatching(/^sentinel.* node1 and node2 do not reach it$/),
    });
    const others = swarm.nodes.filter(({ name }) => name !== victim.name);
    await swarm.refusedBy(others, 8700);
    await swarm.answeredBy(others, 8701, 2);
  } finally {
    await swarm.cluster.restorePower(victim.name);
  }
  await swarm.view('the node to be back', ({ nodes }) => {
    const node = nodes.find(({ name }) => name === victim.name);
    return (node?.state === 'ready' && node.lost === undefined) || JSON.stringify(node);
  });
  await swarm.answers('lone', 8700);
  await swarm.answers('spread', 8701, 3);
  await swarm.converged();
});
