import { afterEach, describe, expect, it } from 'vitest';
import { openLab, type WatcherLab } from './watcher-lab.ts';

// One node, `node1`, its ingress sandbox at 172.18.0.2; tasks have 10.0.0.N on the network `ingress0`.

let lab: WatcherLab;
afterEach(() => lab.watcher.stop());

const web = { name: 'web', replicas: 1, published: 8000 };

/** Docker answers no inspection of a container until what this returns is called. */
function holdInspections(): () => void {
  const held = Promise.withResolvers<void>();
  lab.docker.beforeAnswer = (asked) => (asked.startsWith('inspect container') ? held.promise : Promise.resolve());
  return held.resolve;
}

describe('containers', () => {
  it('are told to the executor before the bus', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    lab.turnPage();
    lab.swarm.endContainer('container-task2');
    await lab.clock.advance(10);
    expect(lab.story.slice(0, 4)).toEqual([
      'own task2 stopping',
      'own task2 dead',
      'container task2 stopping',
      'container task2 dead',
    ]);
  });

  it('are not brought back by an inspection that was answered late', async () => {
    lab = await openLab();
    lab.turnPage();
    const release = holdInspections();
    lab.swarm.createService(web);
    await lab.clock.advance(10);
    lab.swarm.endContainer('container-task2');
    await lab.clock.advance(10);
    release();
    await lab.clock.advance(60_000);
    expect(lab.story.filter((line) => line.startsWith('own'))).toEqual(['own task2 starting', 'own task2 dead']);
  });

  it('stay forgotten when an inspection is answered after they were removed', async () => {
    lab = await openLab();
    lab.turnPage();
    const release = holdInspections();
    const id = lab.swarm.createService(web);
    await lab.clock.advance(10);
    lab.swarm.removeService(id);
    lab.docker.emitContainer('container-task2', 'destroy');
    lab.docker.containers.clear();
    await lab.clock.advance(30_000);
    release();
    await lab.clock.advance(10);
    expect(lab.story.filter((line) => line.startsWith('own')).at(-1)).toBe('own task2 dead');
  });

  it('are dead for the executor where the mesh has a live task without a container', async () => {
    lab = await openLab(({ view }) => {
      view.live = [{ task: 'task7', service: 'service1' }];
    });
    expect(lab.story).toContain('own task7 dead');
    expect(lab.facts.find((fact) => fact.kind === 'node-listing')).toMatchObject({ tasks: [] });
  });

  it('that ended are told to the executor though another one cannot be looked at', async () => {
    let release = () => {};
    lab = await openLab(({ swarm, docker }) => {
      swarm.createService({ ...web, replicas: 2 });
      swarm.endContainer('container-task2');
      const held = Promise.withResolvers<void>();
      release = held.resolve;
      docker.beforeAnswer = (asked) => (asked.startsWith('inspect container') ? held.promise : Promise.resolve());
    });
    expect(lab.story.filter((line) => line.startsWith('own'))).toEqual(['own task2 dead']);
    release();
    await lab.clock.advance(10);
    expect(lab.story.filter((line) => line.startsWith('own'))).toContain('own task3 running');
  });

  it('that ended unseen are found by the listing', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    lab.turnPage();
    lab.docker.containers.delete('container-task2');
    await lab.clock.advance(30_000);
    expect(lab.story.slice(0, 2)).toEqual(['own task2 dead', 'container task2 dead']);
  });
});

it('of another node no word but an id is asked of Docker', async () => {
  lab = await openLab(({ swarm }) => swarm.createService(web));
  await lab.clock.advance(60_000);
  lab.docker.asked.length = 0;
  for (const service of ['x/logs?follow=1', 'x%2f', 'x'.repeat(65), 'web9']) {
    await lab.clock.during(
      lab.bus.publish({ subject: `fairway.fact.node9.container.${service}`, text: '{}' }, service),
    );
  }
  await lab.clock.advance(1_000);
  expect(new Set(lab.docker.asked.filter((asked) => asked.startsWith('inspect service')))).toEqual(
    new Set(['inspect service web9']),
  );
});
