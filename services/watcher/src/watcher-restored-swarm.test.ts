import { afterEach, describe, expect, it } from 'vitest';
import { openLab, type WatcherLab } from './watcher-lab.ts';

// One node, `node1`, its ingress sandbox at 172.18.0.2; tasks have 10.0.0.N on the network `ingress0`.

let lab: WatcherLab;
afterEach(() => lab.watcher.stop());

const web = { name: 'web', replicas: 1, published: 8000 };

describe('a task that a restored swarm has again', () => {
  it('is confirmed to a mesh that has been told of later ones', async () => {
    lab = await openLab(({ swarm, view }) => {
      swarm.createService(web);
      view.heldServices = [{ id: 'service1', index: 1, seen: 1000 }];
    });
    await lab.clock.advance(35_000);
    expect(lab.story).toContain('service web task2=running confirmed');
  });
});

describe('a task that a restored swarm has again, and of which its node has told already', () => {
  it('is confirmed too: no manager was believed yet', async () => {
    lab = await openLab(({ swarm, view }) => {
      swarm.createService(web);
      view.heldServices = [{ id: 'service1', index: 1, seen: 1000 }];
      view.heldTasks = [{ id: 'task2', index: 0 }];
    });
    await lab.clock.advance(35_000);
    expect(lab.story).toContain('service web task2=running confirmed');
  });
});

describe('a task that was released, and that a restored swarm wants again', () => {
  it('is confirmed, though its index has grown past that of its release', async () => {
    lab = await openLab(({ swarm, view }) => {
      swarm.createService(web);
      view.heldServices = [{ id: 'service1', index: 1 }];
      view.heldTasks = [{ id: 'task2', index: 5, released: true }];
    });
    await lab.clock.advance(35_000);
    expect(lab.story).toContain('service web task2=running confirmed');
  });
});

describe('a service that a restored swarm has again', () => {
  it('is confirmed to a mesh that was told that it is gone', async () => {
    lab = await openLab(({ swarm, view }) => {
      swarm.createService(web);
      view.removed = ['service1'];
    });
    await lab.clock.advance(35_000);
    expect(lab.story).toContain('service web task2=running confirmed');
  });
});

describe('a network and a node that a restored swarm has again', () => {
  it('are confirmed to a mesh that was told that they are gone', async () => {
    lab = await openLab(({ view }) => {
      view.removed = ['ingress0', 'node1'];
    });
    expect(lab.story.filter((line) => line.includes('confirmed'))).toEqual([]);
    await lab.clock.advance(35_000);
    expect(lab.story).toContain('network ingress confirmed');
    expect(lab.story).toContain('node one ready confirmed');
  });
});

describe('a service that a restored swarm has changed, at an index that it had before', () => {
  it('is confirmed', async () => {
    lab = await openLab(({ swarm, view }) => {
      swarm.createService(web);
      const { Index: index } = swarm.service('service1').Version;
      view.heldServices = [{ id: 'service1', index }];
      view.heldTasks = [{ id: 'task2', index: 0 }];
    });
    await lab.clock.advance(35_000);
    expect(lab.story).toContain('service web task2=running confirmed');
  });
});
