import { factStream, readFact } from '@fairway/bus';
import type { ContainerFact, NodeListingFact } from '@fairway/mesh';
import { afterEach, describe, expect, it } from 'vitest';
import { DockerUnavailable } from './docker.ts';
import { openLab, show, type WatcherLab } from './watcher-lab.ts';

// One node, `node1`; tasks have 10.0.0.N on the network `ingress0`.

let lab: WatcherLab;
afterEach(() => lab.watcher.stop());

const web = { name: 'web', replicas: 1, published: 8000 };

describe('when something is lost and found', () => {
  it('facts wait for the bus, the latest of each object, and go when it is found again', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.bus.cut();
    lab.turnPage();
    for (let replicas = 2; replicas <= 6; replicas++) {
      lab.swarm.scaleService('service1', replicas);
      await lab.clock.advance(1_000);
    }
    lab.swarm.scaleService('service1', 1);
    await lab.clock.advance(10_000);
    expect(lab.facts).toEqual([]);
    // The service, and six containers.
    expect(lab.watcher.waiting()).toBeLessThanOrEqual(7);
    lab.bus.mend();
    // The pause after the last failure may have been five seconds by then.
    await lab.clock.advance(500);
    expect(lab.watcher.waiting()).toBe(0);
    await lab.clock.advance(10_000);
    expect(lab.story.filter((line) => line.startsWith('service web')).at(-1)).toMatch(/^service web task2=running/);
    expect(lab.story).toContain('node-listing task2 task3 task4 task5 task6 task7');
  });

  it('a container that the mesh has otherwise at two listings is told of again, until it has not', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    lab.view.told.set('task2', { container: 'stopping', tick: 1 });
    await lab.clock.advance(35_000);
    expect(lab.story).toEqual([]);
    await lab.clock.advance(30_000);
    expect(lab.story).toEqual(['container task2 running']);
    lab.view.told.set('task2', { container: 'running', tick: 2 });
    lab.turnPage();
    await lab.clock.advance(90_000);
    // A later word of the node's is on its way.
    lab.view.told.set('task2', { container: 'stopping', tick: Number.MAX_SAFE_INTEGER });
    await lab.clock.advance(90_000);
    expect(lab.story).toEqual([]);
  });

  it('all is listed anew where the mesh has a live task without a container at two listings, until it has not', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    lab.view.live = [
      { task: 'task9', service: 'service1' },
      { task: 'task8', service: 'service1' },
    ];
    // By an earlier start of dockerd.
    const incarnation = { boot: 'boot1', daemon: 'daemon0' };
    lab.view.told.set('task9', { container: 'running', incarnation, tick: 1 });
    await lab.clock.advance(35_000);
    const said = () => lab?.story.filter((line) => !line.startsWith('own'));
    expect(said()).toEqual([]);
    await lab.clock.advance(30_000);
    expect(said()).toEqual(['container task2 running', 'node-listing task2']);
    // What no listing of this node's can end, or a later word of its own has changed, is not listed for.
    for (const told of [
      { container: 'unknown' } as const,
      { container: 'running', incarnation, tick: Number.MAX_SAFE_INTEGER } as const,
      { container: 'running', incarnation: { boot: 'boot0', daemon: 'daemon0' }, tick: 1 } as const,
      { container: 'dead', incarnation, tick: 1 } as const,
    ]) {
      lab.view.told.set('task9', told);
      await lab.clock.advance(40_000);
      lab.turnPage();
      await lab.clock.advance(90_000);
      expect(said()).toEqual([]);
    }
  });

  it('all is listed anew in another epoch', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    const other = lab.bus.another();
    lab.bus.wipe();
    await lab.clock.advance(15_000);
    expect(lab.facts).toEqual([]);
    const epoch = await lab.clock.during(other.provision());
    await lab.clock.advance(15_000);
    expect(lab.facts.at(-1)).toMatchObject({ kind: 'swarm-listing', epoch });
    expect(lab.story.filter((line) => !line.startsWith('own')).slice(0, 2)).toEqual([
      'container task2 running',
      'node-listing task2',
    ]);
    expect(lab.story).toContain('service web task2=running');
  });

  it('another start of dockerd is another incarnation, and all is listed under it', async () => {
    lab = await openLab(({ swarm }) => swarm.createService(web));
    await lab.clock.advance(10_000);
    lab.turnPage();
    lab.docker.stopDaemon();
    await lab.clock.advance(1_000);
    lab.docker.startDaemon();
    await lab.clock.advance(10_000);
    const incarnation = { boot: 'boot1', daemon: 'daemon2' };
    const containers = lab.facts.filter((fact): fact is ContainerFact => fact.kind === 'container');
    const listings = lab.facts.filter((fact): fact is NodeListingFact => fact.kind === 'node-listing');
    expect(containers.map(({ reading }) => reading.incarnation)).toEqual([incarnation]);
    expect(listings).toMatchObject([{ incarnation, tasks: ['task2'] }]);
    expect(listings[0]?.tick).toBe(containers[0]?.reading.tick);
  });

  it('a daemon that hangs is taken for lost, though its events stay open', async () => {
    lab = await openLab();
    lab.turnPage();
    lab.docker.beforeAnswer = async (asked) => {
      if (asked === 'ping') throw new DockerUnavailable('ping');
    };
    await lab.clock.advance(11_000);
    expect(lab.docker.asked).toContain('events');
    expect(lab.changes).toContainEqual(expect.objectContaining({ kind: 'identity' }));
  });

  it.each([1, 2, 3, 4, 5])(
    'a bus that fails every other time gets everything, listings last (seed %i)',
    async (seed) => {
      const services = ['a', 'b', 'c', 'd', 'e', 'f'];
      const prepare = ({ swarm }: Pick<WatcherLab, 'swarm'>) => {
        for (const [n, name] of services.entries()) swarm.createService({ name, replicas: 4, published: 8000 + n });
      };
      lab = await openLab(prepare, false, seed);
      lab.bus.setFaults({ failed: 0.5, lateMsMax: 50 });
      const decider = lab.bus.another();
      for (let epoch: string | undefined; !epoch; ) {
        epoch = await lab.clock.during(decider.provision().catch(() => undefined));
      }
      await lab.clock.advance(120_000);
      lab.bus.setFaults({});
      const stored: string[] = [];
      decider.consume(factStream.name, 'test', (delivery) => {
        stored.push(show(readFact(delivery).body));
        delivery.ack();
      });
      await lab.clock.advance(1_000);
      expect(lab.watcher.waiting()).toBe(0);
      const before = (listing: string, kind: string) => {
        const end = stored.findIndex((line) => line.startsWith(listing));
        return new Set(stored.slice(0, end).filter((line) => line.startsWith(`${kind} `))).size;
      };
      expect(before('node-listing', 'container')).toBe(24);
      expect(before('swarm-listing', 'service')).toBe(6);
      expect(before('swarm-listing', 'node')).toBe(1);
      expect(before('swarm-listing', 'network')).toBe(1);
    },
  );

  it('a worker reports its containers, and the swarm once it is promoted', async () => {
    lab = await openLab(({ swarm, docker }) => {
      swarm.createService(web);
      docker.setInfo({ manager: false });
    });
    expect(lab.facts.map(({ kind }) => kind)).toEqual(['container', 'node-listing']);
    lab.docker.setInfo({ manager: true });
    await lab.clock.advance(10_000);
    expect(lab.story.at(-1)).toBe('swarm-listing');
  });
});
