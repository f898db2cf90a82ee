import { roughly } from '@fairway/bus';
import { describe, expect, onTestFailed, test } from 'vitest';
import { allShown, life, openLab } from './decider-lab.ts';
import { history } from './swarm-history.ts';

describe('two deciders, facts late, doubled, past each other, and writes that conflict and fail', () => {
  test.each(Array.from({ length: 10 }, (_, n) => n + 1))('end where the swarm is, seed %i', async (seed) => {
    const lab = await openLab({ seed, faults: roughly, deciders: 2 });
    onTestFailed(() => console.error(`seed ${seed}`, lab.putAside));
    const { says, truth } = history();
    await lab.clock.settle(
      Promise.all(
        [...says.values()].map(async (facts) => {
          for (const fact of facts) await lab.publish(fact);
        }),
      ),
    );
    await lab.pass(30_000);
    lab.bus.setFaults({});
    await lab.pass(15_000);
    expect(allShown(lab.mesh)).toEqual(truth);
    expect(lab.mesh.nodes.get('n3')?.incarnation).toEqual(life);
    expect(lab.putAside).toEqual([]);
  });
});
