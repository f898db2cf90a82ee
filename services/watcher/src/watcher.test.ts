import { parseAddress } from '@fairway/mesh';
import { afterEach, describe, expect, it } from 'vitest';
import { DockerUnavailable } from './docker.ts';
import type { MemoryDocker } from './memory-docker.ts';
import { openLab, type WatcherLab } from './watcher-lab.ts';

// One node, `node1`, its ingress sandbox at 172.18.0.2; tasks have 10.0.0.N on the network `ingress0`.

let lab: WatcherLab;
afterEach(() => lab.watcher.stop());

const web = { name: 'web', replicas: 1, published: 8000 };

describe('a watcher that starts', () => {
  it('publishes all that there is, and then that it was all', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    expect(lab.story.filter((line) => !line.startsWith('own'))).toEqual([
      'container task2 running',
      'node-listing task2',
      'network ingress',
      'node one ready',
      'service web task2=running',
      'swarm-listing',
    ]);
    expect(lab.watcher.own()).toMatchObject({
      node: 'node1',
      incarnation: { boot: 'boot1', daemon: 'daemon1' },
      gateway: { text: '172.18.0.2' },
      containers: new Map([['task2', expect.objectContaining({ state: 'running' })]]),
    });
  });

  it('waits for the bus to have a mesh, and tells its executor meanwhile', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web), false);
    await lab.clock.advance(60_000);
    expect(lab.facts).toEqual([]);
    expect(lab.watcher.own()?.containers.get('task2')?.state).toBe('running');
    await lab.clock.during(lab.bus.another().provision());
    await lab.clock.advance(5_000);
    expect(lab.story).toContain('node-listing task2');
    expect(lab.story.at(-1)).toBe('swarm-listing');
  });

  it('waits for Docker, saying so once', async () => {
    lab = await openLab(({ docker }) => docker.stopDaemon());
    await lab.clock.advance(60_000);
    expect(lab.said).toEqual(['Docker cannot be reached; waiting']);
    expect(lab.docker.asked.filter((asked) => asked === 'events').length).toBeLessThan(20);
    lab.docker.startDaemon();
    await lab.clock.advance(5_000);
    expect(lab.story.at(-1)).toBe('swarm-listing');
  });
});

describe("the ingress sandbox's address", () => {
  it('is read again as soon as networks change, which is all that tells of a new one', async () => {
    lab = await openLab();
    await lab.clock.advance(1_000);
    lab.docker.gateway = parseAddress('172.18.0.9');
    lab.docker.emit({ kind: 'network', action: 'connect', id: 'ingress0', scope: 'swarm' });
    await lab.clock.advance(1_000);
    expect(lab.watcher.own()?.gateway).toEqual(parseAddress('172.18.0.9'));
  });
});

describe('while nothing changes', () => {
  it('nothing is published, and Docker is asked for nothing more often than every 10 s', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    await lab.clock.advance(300_000);
    expect(lab.story).toEqual([]);
    const counts = Object.values(Object.groupBy(lab.docker.asked, (asked) => asked)).map((all) => all?.length ?? 0);
    expect(Math.max(...counts)).toBe(30);
  });

  it('everything is told anew within the time that the bus keeps facts, should it have lost some', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    await lab.clock.advance(600_000);
    expect(lab.story.some((line) => line.startsWith('service web'))).toBe(true);
    expect(lab.story.some((line) => line.startsWith('node-listing'))).toBe(true);
  });

  it('says again that the listing is complete until the mesh has it', async () => {
    lab = await openLab(({ view }) => {
      view.complete = false;
    });
    lab.turnPage();
    await lab.clock.advance(30_000);
    expect(lab.story).toEqual(['swarm-listing']);
    lab.view.complete = true;
    await lab.clock.advance(60_000);
    expect(lab.story).toEqual(['swarm-listing']);
  });
});

describe('what happens to services', () => {
  it('is told as it happens: created, scaled, removed', async () => {
    lab = await openLab();
    lab.turnPage();
    const id = lab.swarm.createService(web);
    await lab.clock.advance(5_000);
    expect(lab.story.at(-1)).toBe('service web task2=running');
    lab.swarm.scaleService(id, 2);
    await lab.clock.advance(5_000);
    expect(lab.story.at(-1)).toBe('service web task2=running task3=running');
    lab.turnPage();
    lab.swarm.removeService(id);
    await lab.clock.advance(5_000);
    expect(lab.docker.asked.filter((asked) => asked === 'inspect service service1').length).toBeLessThan(4);
    expect(lab.story.filter((line) => line === 'service-gone service1')).toHaveLength(1);
    expect(lab.story.filter((line) => line === 'container task2 dead')).toHaveLength(1);
  });

  it('is listed at once when Swarm decides something of a task, for which Docker has no event', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    lab.swarm.setTask('task2', { DesiredState: 'shutdown' });
    lab.docker.decideTask({ task: 'task2', service: 'service1' });
    await lab.clock.advance(10);
    expect(lab.story).toEqual(['service web task2=released']);
  });

  it('tells the node itself at once which tasks Swarm has released, whether or not there is a bus', async () => {
    lab = await openLab(({ swarm }) => swarm.createService({ ...web, replicas: 2 }));
    await lab.clock.advance(10_000);
    const release = async (task: string) => {
      lab.turnPage();
      lab.swarm.setTask(task, { DesiredState: 'shutdown' });
      lab.docker.decideTask({ task, service: 'service1' });
      await lab.clock.advance(10);
      return lab.changes.flatMap((change) => (change.kind === 'released' ? [[...change.tasks.keys()]] : []));
    };
    lab.bus.cut();
    expect(await release('task2')).toEqual([['task2']]);
    expect(await release('task3')).toEqual([['task2', 'task3']]);
  });

  it('is listed every 250 ms until it is settled where nobody tells what Swarm decides, which is said once', async () => {
    lab = await openLab(({ swarm, docker }) => {
      swarm.createService(web);
      docker.taskChanges = () => Promise.reject(new DockerUnavailable('watch tasks'));
    });
    expect(lab.said).toEqual([expect.stringContaining('cannot be watched')]);
    lab.swarm.setTask('task2', { Status: { State: 'starting' } });
    lab.docker.emit({ kind: 'service', action: 'update', id: 'service1', scope: 'swarm' });
    await lab.clock.advance(3_000);
    lab.turnPage();
    await lab.clock.advance(10_000);
    const listed = lab.docker.asked.filter((asked) => asked === 'listTasks service1').length;
    expect(listed).toBeGreaterThanOrEqual(38);
    expect(listed).toBeLessThanOrEqual(41);
    expect(lab.said).toEqual([]);
  });

  it('is listed when a node of its tasks changes where nobody tells what Swarm decides, for it may be drained', async () => {
    lab = await openLab(({ swarm, docker, view }) => {
      swarm.createService(web);
      docker.taskChanges = () => Promise.reject(new DockerUnavailable('watch tasks'));
      view.live = [{ task: 'task2', service: 'service1' }];
    });
    await lab.clock.advance(10_000);
    lab.turnPage();
    lab.docker.emit({ kind: 'node', action: 'update', id: 'node1', scope: 'swarm' });
    lab.swarm.setTask('task2', { DesiredState: 'shutdown' });
    await lab.clock.advance(300);
    expect(lab.story).toContain('service web task2=released');
  });

  it('is listed when what Swarm decides is watched again after a gap', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    lab.docker.decideTask({ task: 'task2', service: 'service1' });
    await lab.clock.advance(10_000);
    lab.turnPage();
    lab.docker.breakTaskChanges();
    await lab.clock.advance(100);
    lab.swarm.setTask('task2', { DesiredState: 'shutdown' });
    await lab.clock.advance(1_000);
    expect(lab.story).toEqual(['service web task2=released']);
  });

  it('that is removed is told of, though Swarm decided something of its tasks before and after', async () => {
    lab = await openLab();
    lab.turnPage();
    const id = lab.swarm.createService(web);
    lab.swarm.removeService(id);
    for (let n = 0; n < 5; n++) lab.docker.decideTask({ task: 'task2', service: id });
    await lab.clock.advance(5_000);
    expect(lab.story).toContain(`service-gone ${id}`);
  });

  it('is listed again until it is settled, since tasks have no events', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.swarm.setTask('task2', { Status: { State: 'starting' } });
    lab.docker.emit({ kind: 'service', action: 'update', id: 'service1', scope: 'swarm' });
    await lab.clock.advance(8_000);
    expect(lab.story.at(-1)).toBe('service web task2=assigned');
    lab.swarm.setTask('task2', { Status: { State: 'running' } });
    await lab.clock.advance(2_000);
    expect(lab.story.at(-1)).toBe('service web task2=running');
    lab.turnPage();
    await lab.clock.advance(20_000);
    expect(lab.docker.asked.filter((asked) => asked === 'listTasks service1').length).toBeLessThan(3);
  });

  it('is left to the full listings when it does not settle for two minutes', async () => {
    lab = await openLab(({ swarm }) => {
      swarm.createService(web);
      swarm.setTask('task2', { Status: { State: 'pending' } });
    });
    lab.docker.emit({ kind: 'service', action: 'update', id: 'service1', scope: 'swarm' });
    await lab.clock.advance(130_000);
    lab.turnPage();
    await lab.clock.advance(300_000);
    expect(lab.docker.asked.filter((asked) => asked === 'listTasks service1')).toEqual([]);
  });

  it('is asked for whenever another node speaks of a container, one listing at a time', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    lab.docker.beforeAnswer = (asked) => (asked === 'listTasks service1' ? held : Promise.resolve());
    for (let n = 0; n < 10; n++) {
      lab.bus.another().broadcast({ subject: 'fairway.fact.node2.container.service1', text: '{}' });
      await lab.clock.advance(10);
    }
    expect(lab.docker.asked.filter((asked) => asked === 'listTasks service1')).toHaveLength(1);
    release();
    await lab.clock.advance(10);
    expect(lab.docker.asked.filter((asked) => asked === 'listTasks service1')).toHaveLength(2);
  });

  it('goes on for the others when one does not fit its schema', async () => {
    lab = await openLab(({ swarm, docker, view }) => {
      swarm.createService(web);
      docker.services.set('odd', 'malformed');
      view.heldServices = [{ id: 'odd', index: 5 }];
    });
    expect(lab.story).toContain('service web task2=running');
    expect(lab.story.at(-1)).toBe('swarm-listing');
    expect(lab.story).not.toContain('service-gone odd');
  });
});

describe('what Docker has and does not fit its schema', () => {
  it('is waited for before a mesh without it is called complete', async () => {
    lab = await openLab(({ swarm, docker, view }) => {
      view.complete = false;
      docker.garbled.add(swarm.createService(web));
    });
    await lab.clock.advance(60_000);
    expect(lab.story).not.toContain('swarm-listing');
    lab.docker.garbled.clear();
    await lab.clock.advance(30_000);
    const at = lab.story.indexOf('service web task2=running');
    expect(lab.story.slice(at)).toContain('swarm-listing');
  });

  it('is given up where it stays so', async () => {
    lab = await openLab(({ docker, view }) => {
      view.complete = false;
      docker.services.set('odd', 'malformed');
    });
    await lab.clock.advance(270_000);
    expect(lab.story).not.toContain('swarm-listing');
    await lab.clock.advance(60_000);
    expect(lab.story).toContain('swarm-listing');
  });

  it('may be a task of any service: what is told of them is a part', async () => {
    lab = await openLab(({ swarm, docker }) => {
      swarm.createService({ ...web, replicas: 2 });
      docker.garbled.add('task2');
    });
    expect(lab.facts.find((fact) => fact.kind === 'service')).toMatchObject({
      tasks: [{ id: 'task3' }],
      partial: true,
    });
  });

  it('may be the container of any task: none is denied, until all can be read again', async () => {
    lab = await openLab(({ swarm, docker, view }) => {
      swarm.createService({ ...web, replicas: 2 });
      docker.garbled.add('container-task2');
      view.live = ['task2', 'task3'].map((task) => ({ task, service: 'service1' }));
    });
    expect(lab.story).toContain('node-listing task3 partial');
    expect(lab.story).not.toContain('own task2 dead');
    lab.docker.garbled.clear();
    await lab.clock.advance(30_000);
    expect(lab.story).toContain('container task2 running');
    expect(lab.story.filter((line) => line.startsWith('node-listing')).at(-1)).toBe('node-listing task3 task2');
  });

  it('is no other container than before where it was seen before', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    lab.turnPage();
    lab.docker.garbled.add('container-task2');
    await lab.clock.advance(600_000);
    expect(lab.story.filter((line) => /dead|partial/.test(line))).toEqual([]);
    expect(lab.story).toContain('node-listing task2');
  });
});

describe('what Docker no longer has', () => {
  it('is gone only where an inspect says so', async () => {
    lab = await openLab(({ swarm, docker, view }) => {
      swarm.createService(web);
      const hidden = (id: string) => ({ id, index: 1 });
      view.heldServices = [hidden('service1'), hidden('lost')];
      view.heldTasks = [hidden('task2'), hidden('task0'), hidden('task8'), { ...hidden('task9'), released: true }];
      docker.tasks.set('task8', 'malformed');
      view.heldNodes = [hidden('node1'), hidden('node9')];
      view.heldNetworks = [hidden('ingress0'), hidden('net9')];
      hideFromListing(docker, 'listNodes');
    });
    expect(lab.story.filter((line) => line.includes('gone'))).toEqual([
      'service web task2=running task0=gone',
      'node-gone node9',
      'network-gone net9',
      'service-gone lost',
    ]);
    // Nothing is to be learned of what the mesh was told of already.
    expect(lab.docker.asked).toContain('inspect task task0');
    expect(lab.docker.asked).not.toContain('inspect task task9');
  });

  it('nor has what is of another service: a node may have told of it as of this one', async () => {
    lab = await openLab(({ swarm, view }) => {
      swarm.createService(web);
      swarm.createService({ ...web, name: 'api' });
      view.heldServices = [{ id: 'service1', index: 1 }];
      view.heldTasks = [{ id: 'task4', index: 0 }];
    });
    const told = lab.story.filter((line) => line.startsWith('service '));
    expect(told).toEqual(['service web task2=running task4=gone', 'service api task4=running']);
  });

  it('is believed where its index fell and stays below', async () => {
    lab = await openLab(({ swarm, view }) => {
      swarm.createService(web);
      view.heldServices = [{ id: 'service1', index: 1000 }];
      view.heldNodes = [{ id: 'node1', index: 1000 }];
    });
    expect(lab.story.filter((line) => line.includes('confirmed'))).toEqual([]);
    await lab.clock.advance(30_000);
    expect(lab.story).toContain('service web task2=running confirmed');
    expect(lab.story).toContain('node one ready confirmed');
  });
});

/** An object that a listing leaves out is not gone for that. */
function hideFromListing(docker: MemoryDocker, operation: 'listNodes'): void {
  docker[operation] = async () => ({ fit: [], aside: [] });
}
