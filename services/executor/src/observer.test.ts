import { createMemoryBus, MeshReplica, outcomeStream, readOutcome, SimulatedClock, subjects } from '@fairway/bus';
import type { Outcome } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { logTo } from './executor-lab.ts';
import { createKernelStandIn } from './kernel/stand-in.ts';
import { OnlyObserves, rulesLeft, startObserver } from './observer.ts';
import { difference } from './rules/difference.ts';
import { hostOf } from './rules/sample.ts';

test('rules of an earlier process are found, wherever they are', async () => {
  const kernel = createKernelStandIn({ seed: 1, failOneIn: 0 });
  expect(await rulesLeft(kernel)).toEqual([]);
  kernel.replaceSandbox('sandbox-2', 'lb_back00000');
  const { transaction } = difference(undefined, hostOf('tcp . 8000'), true);
  if (transaction) await kernel.apply('host', transaction);
  expect(await rulesLeft(kernel)).toEqual(['host']);
  expect(await rulesLeft({ ...kernel, show: () => Promise.reject(new Error('no nft')) })).toEqual([]);
});

test('it says of each revision that nothing is routed, and neither leaves the node to Docker nor takes it back', async () => {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  await clock.settle(bus.provision());
  const outcomes: Outcome[] = [];
  bus.another().tail(outcomeStream.name, subjects.outcomes, (message) => void outcomes.push(readOutcome(message).body));
  const observer = startObserver({
    bus,
    replica: new MeshReplica({}),
    log: logTo([]),
    clock,
    nowMs: () => clock.nowMs(),
  });
  observer.meshChanged([]);
  await clock.settle(Promise.resolve(), 1_000);
  expect(outcomes).toEqual([]);
  observer.ownChanged({ node: 'n1', containers: new Map() });
  await clock.settle(Promise.resolve(), 1_000);
  observer.meshChanged([]);
  await clock.settle(Promise.resolve(), 1_000);
  const notes = [{ kind: 'refused', about: 'node n1', why: expect.stringContaining('--observe') }];
  expect(outcomes).toEqual(Array.from({ length: 2 }, () => expect.objectContaining({ kind: 'applied', notes })));
  await expect(observer.handOver()).rejects.toThrow(OnlyObserves);
  await expect(observer.takeBack()).rejects.toThrow(OnlyObserves);
  await observer.stop();
});
