// Nothing is sent to a node that is lost. Ports 87xx.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { patience } from '@fairway/cluster';
import { expect, onTestFinished } from 'vitest';
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

const floodProgram = fileURLToPath(new URL('beat-flood.ts', import.meta.url));

// The flooder is not heard for half a minute, and the other one boots.
const limits = { timeout: 240_000 * patience() };

test(
  'while a node floods the bus with beats it is named and keeps its traffic, and another that loses power is noticed',
  limits,
  async ({ swarm }) => {
    const [, flooding, victim] = swarm.nodes;
    if (!flooding || !victim) throw new Error('the swarm has three nodes');
    // Not by the server that goes.
    const urls = swarm.cluster.bus.urls.filter((url) => !url.includes(victim.address));
    await swarm.create('calm', { ports: ['8702:8000'], everywhere: true });
    await swarm.answers('calm', 8702, 3);
    await swarm.converged();
    const id = flooding.swarmNodeId;
    const words = [process.execPath, floodProgram, urls.join(','), swarm.cluster.credentialsFile(id), id];
    const [command = '', ...args] = swarm.cluster.clientArgv(words);
    const flood = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    onTestFinished(() => void flood.kill('SIGKILL'));
    const about = `node ${flooding.name}`;
    await swarm.view('the node to be named', ({ problems }) => {
      const said = problems.filter((problem) => problem.about === about);
      return said.some(({ why }) => why.includes('more than is taken')) || JSON.stringify(problems);
    });
    await swarm.cutPower(victim);
    try {
      const { nodes, problems } = await swarm.view('the other node to be taken for lost', (view) => {
        const node = view.nodes.find(({ name }) => name === victim.name);
        return node?.lost !== undefined || JSON.stringify(node);
      });
      expect(nodes.find(({ name }) => name === flooding.name)?.lost).toBeUndefined();
      expect(flood.exitCode, 'it floods still').toBeNull();
      expect(problems).toContainEqual({ about, why: expect.stringContaining('more than is taken') });
      const others = swarm.nodes.filter(({ name }) => name !== victim.name);
      await swarm.answeredBy(others, 8702, 2);
    } finally {
      flood.stdin.end();
      await swarm.cluster.restorePower(victim.name);
    }
    await swarm.view('both nodes to be heard again', ({ nodes, problems, unwatched }) => {
      const lost = nodes.filter(({ lost }) => lost !== undefined);
      return (
        (lost.length === 0 && problems.length + unwatched.length === 0) || JSON.stringify([lost, problems, unwatched])
      );
    });
    await swarm.answers('calm', 8702, 3);
  },
);
