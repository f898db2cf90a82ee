import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { ConvergenceMeter } from './convergence-meter.ts';

/** A meter, its clock, and by stage how many seconds were counted in all, and how often. */
function open() {
  let now = 0;
  const registry = new Registry();
  const meter = new ConvergenceMeter(registry, { nowMs: () => now });
  meter.begin('e');
  return {
    meter,
    pass(ms: number) {
      now += ms;
    },
    async counted(): Promise<Record<string, readonly [seconds: number, times: number]>> {
      const text = await registry.metrics();
      const read = (what: string, stage: string) =>
        Number(new RegExp(`^fairway_convergence_seconds_${what}{stage="${stage}"} (.*)$`, 'm').exec(text)?.[1] ?? 0);
      return Object.fromEntries(
        ['decided', 'applied', 'total'].map((stage) => [
          stage,
          [Number(read('sum', stage).toFixed(3)), read('count', stage)],
        ]),
      );
    },
  };
}

test('each stage is told by itself, the last ones for each node', async () => {
  const { meter, pass, counted } = open();
  for (const node of ['n1', 'n2']) meter.applied(node, 'e', 6);
  meter.fact('a');
  pass(10);
  meter.decided(7, 'a');
  pass(20);
  meter.applied('n1', 'e', 7);
  pass(100);
  meter.applied('n2', 'e', 7);
  expect(await counted()).toEqual({ decided: [0.01, 1], applied: [0.14, 2], total: [0.16, 2] });
});

test('an outcome of several revisions is one for each of them, and told again it is none', async () => {
  const { meter, pass, counted } = open();
  meter.applied('n1', 'e', 6);
  for (const revision of [7, 8, 9]) meter.decided(revision, undefined);
  pass(50);
  meter.applied('n1', 'e', 8);
  meter.applied('n1', 'e', 8);
  expect(await counted()).toEqual({ decided: [0, 0], applied: [0.1, 2], total: [0, 0] });
});

test('what a node had before the first word of it is not counted', async () => {
  const { meter, pass, counted } = open();
  meter.decided(7, undefined);
  pass(5_000);
  meter.applied('n1', 'e', 7);
  expect((await counted()).applied).toEqual([0, 0]);
});

test("a node's word that comes before the change of the mesh is counted with it", async () => {
  const { meter, pass, counted } = open();
  meter.applied('n1', 'e', 6);
  meter.fact('a');
  pass(40);
  meter.applied('n1', 'e', 7);
  meter.decided(7, 'a');
  expect(await counted()).toEqual({ decided: [0.04, 1], applied: [0, 1], total: [0.04, 1] });
});

test('an event whose entry is written once more, for another reason, is not counted as slow', async () => {
  const { meter, pass, counted } = open();
  meter.fact('a');
  meter.decided(7, 'a');
  pass(30_000);
  meter.decided(8, 'a');
  expect((await counted()).decided).toEqual([0, 1]);
});

test('a mesh that begins anew has other revisions; one that is read again has not, nor counts what is of before', async () => {
  const { meter, pass, counted } = open();
  meter.applied('n1', 'e', 100);
  meter.begin('f');
  meter.applied('n1', 'e', 101);
  meter.applied('n1', 'f', 1);
  meter.begin('f');
  meter.decided(2, undefined);
  pass(30);
  meter.applied('n1', 'f', 2);
  meter.applied('n1', 'f', 1);
  meter.applied('n1', 'f', 2);
  expect((await counted()).applied).toEqual([0.03, 1]);
});

test('of more events than anybody waits for the oldest are forgotten', async () => {
  const { meter, counted } = open();
  for (let n = 0; n <= 1_000; n++) meter.fact(`t${n}`);
  meter.decided(1, 't0');
  expect((await counted()).decided).toEqual([0, 0]);
  meter.decided(2, 't1');
  expect((await counted()).decided).toEqual([0, 1]);
});
