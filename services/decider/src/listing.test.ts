import { createMemoryBus, type Envelope, keys, MeshReplica, SimulatedClock, writeComplete } from '@fairway/bus';
import type { NodeListingFact, SwarmListingFact } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { decideService } from './decide.ts';
import { claim, container, life, report } from './decider-lab.ts';
import { completeEpoch, foldNodeListing } from './listing.ts';

const context = { nowMs: 1000, isRetired: () => false, isListed: () => false, isRemoved: () => false };
const told = <Body>(body: Body, epoch = 'e'): Envelope<Body> => {
  return { schema: 1, epoch, sender: 'n1', event: 'listing', atMs: 0, trace: '00-x', body };
};
const listing: NodeListingFact = {
  kind: 'node-listing',
  listing: 'l',
  node: 'n1',
  incarnation: life,
  tick: 500,
  tasks: [],
};

test("a node's listing waits until the decider has heard of everything that was written", async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const replica = new MeshReplica();
  const work = async () => {
    const epoch = await bus.provision();
    expect(await foldNodeListing(bus.mesh, replica, told(listing, epoch), context)).toBe(false);
    replica.follower.begin(epoch);
    expect(await foldNodeListing(bus.mesh, replica, told(listing, epoch), context)).toBe(false);
    replica.follower.caughtUp(1);

    const facts = [report('web', 5, [claim('t1', 'n1', 6)]), container('web', 't1', 'n1', 100)];
    await decideService(
      bus.mesh,
      'web',
      facts.map((fact) => told(fact)),
      context,
    );
    expect(await foldNodeListing(bus.mesh, replica, told(listing, epoch), context)).toBe(false);
    expect(await bus.mesh.get('node.n1')).toBeUndefined();

    const entry = await bus.mesh.get('service.web');
    if (entry) replica.follower.entry(entry);
    expect(await foldNodeListing(bus.mesh, replica, told(listing, epoch), context)).toBe(true);
    expect((await bus.mesh.get('service.web'))?.text).toContain('"dead"');
    expect((await bus.mesh.get('node.n1'))?.text).toContain(life.boot);
  };
  await clock.settle(work());
});

test('an epoch is completed once, be it over the word of the one before, which came after the bucket was made anew', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const work = async () => {
    const epoch = await bus.provision();
    await bus.mesh.put(keys.complete, writeComplete({ epoch: 'before', listing: 'l' }), 0);
    const whole = (listing: string) => {
      const fact: SwarmListingFact = { kind: 'swarm-listing', listing, epoch };
      return told(fact, epoch);
    };
    expect(await completeEpoch(bus, whole('l1'))).toBe(true);
    expect(await completeEpoch(bus, whole('l2'))).toBe(false);
    expect((await bus.mesh.get(keys.complete))?.text).toBe(writeComplete({ epoch, listing: 'l1' }));
  };
  await clock.settle(work());
});
