import { keys, writeNode } from '@fairway/bus';
import { expect, test } from 'vitest';
import { applied, type ConsoleLab, failed, openLab } from './console-lab.ts';

// Node n1, named alpha, on a bus in memory.

/** The view after one more change of the mesh. */
async function written(lab: ConsoleLab) {
  const claim = { id: 'n2', name: 'beta', index: 1, role: 'worker', availability: 'active', state: 'down' } as const;
  await lab.write(keys.node('n2'), writeNode({ claim: { ...claim, labels: {} }, retired: [], causes: [] }));
  return (await lab.status()).body;
}

test('of a mesh that was not read yet nothing is told', async () => {
  const lab = await openLab();
  expect((await lab.metrics()).filter((line) => !line.startsWith('fairway_convergence'))).toEqual([]);
});

test('the mesh is told as the status has it', async () => {
  const lab = await openLab();
  const revision = await lab.fill();
  expect(await lab.metrics()).toEqual(
    expect.arrayContaining([
      'fairway_nodes{state="ready"} 1',
      'fairway_nodes{state="lost"} 0',
      'fairway_endpoints{state="serving"} 0',
      'fairway_converged 0',
      'fairway_awaited 1',
      `fairway_mesh_revision ${revision}`,
      'fairway_revisions_behind 0',
      'fairway_nodes_unheard 1',
      'fairway_dead_letters 0',
    ]),
  );
  await lab.tell(applied(revision));
  expect(await lab.metrics()).toEqual(
    expect.arrayContaining(['fairway_converged 1', 'fairway_awaited 0', 'fairway_nodes_unheard 0']),
  );
  await lab.tell(failed(revision));
  expect(await lab.metrics()).toContain('fairway_converged 0');
});

test('a change of the mesh is counted once its node has applied it', async () => {
  const lab = await openLab();
  await lab.tell(applied(await lab.fill()));
  const { revision } = await written(lab);
  expect(await lab.metrics()).toContain('fairway_revisions_behind 1');
  for (let time = 0; time < 2; time++) await lab.tell(applied(revision));
  expect(await lab.metrics()).toContain('fairway_convergence_seconds_count{stage="applied"} 1');
});

test('what a node says of a revision that it has no rules for is no convergence', async () => {
  const lab = await openLab();
  const revision = await lab.fill();
  await lab.tell(applied(revision));
  const { revision: next } = await written(lab);
  await lab.tell(applied(next, [{ kind: 'refused', about: 'node alpha', why: 'it only observes' }]));
  expect(await lab.metrics()).toContain('fairway_convergence_seconds_count{stage="applied"} 0');
});
