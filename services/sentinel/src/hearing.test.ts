import { beatMs, SimulatedClock } from '@fairway/bus';
import { expect, test } from 'vitest';
import { Hearing, silentMs as silentOf, steadyMs as steadyOf } from './hearing.ts';

const [silentMs, steadyMs] = [silentOf(beatMs), steadyOf(beatMs)];
const beat = (tick: number, boot = 'b1') => ({
  node: 'n1',
  reading: { incarnation: { boot, daemon: 'd' }, tick },
  everyMs: beatMs,
});

const pass = (clock: SimulatedClock, forMs: number) => clock.settle(Promise.resolve(), forMs);

async function opened() {
  const clock = new SimulatedClock();
  await pass(clock, 10_000);
  const hearing = new Hearing(clock);
  return { clock, hearing };
}

test('three beats that are missed are a silence; one that was overtaken ends none', async () => {
  const { clock, hearing } = await opened();
  expect(hearing.hear(beat(2))).toBe(true);
  await pass(clock, silentMs - 1);
  expect(hearing.isSilent('n1')).toBe(false);
  await pass(clock, 1);
  expect(hearing.isSilent('n1')).toBe(true);
  expect(hearing.hear(beat(1))).toBe(false);
  expect(hearing.hear(beat(2))).toBe(false);
  expect(hearing.isSilent('n1')).toBe(true);
  expect(hearing.hear(beat(3))).toBe(true);
  expect(hearing.isSilent('n1')).toBe(false);
});

test('a beat of a boot that is over is none', async () => {
  const { hearing } = await opened();
  hearing.hear(beat(9));
  expect(hearing.hear(beat(1, 'b2'))).toBe(true);
  expect(hearing.hear(beat(10))).toBe(false);
  expect(hearing.incarnationOf('n1')?.boot).toBe('b2');
});

test('time in which it stood still itself is nobody’s silence', async () => {
  const { clock, hearing } = await opened();
  hearing.hear(beat(1));
  hearing.look(25);
  await pass(clock, 5_000);
  hearing.look(25);
  expect(hearing.isSilent('n1')).toBe(false);
  for (let at = 0; at < silentMs; at += 25) {
    await pass(clock, 25);
    hearing.look(25);
  }
  expect(hearing.isSilent('n1')).toBe(true);
});

test('a node is steady after a second without a gap, and awake for as long as it can be asked', async () => {
  const { clock, hearing } = await opened();
  let tick = 0;
  const beatFor = async (forMs: number) => {
    for (let at = 0; at < forMs; at += 200) {
      hearing.hear(beat(tick++));
      await pass(clock, 200);
    }
  };
  await beatFor(steadyMs - 200);
  expect(hearing.isSteady('n1')).toBe(false);
  await beatFor(200);
  expect(hearing.isSteady('n1')).toBe(true);
  await pass(clock, 300);
  expect(hearing.isAwake('n1')).toBe(false);
  await pass(clock, silentMs);
  await beatFor(steadyMs - 200);
  expect(hearing.isSteady('n1')).toBe(false);
});

test('a listing that comes late gives no time to one that beats in that life already, and does in another', async () => {
  const { clock, hearing } = await opened();
  hearing.hear(beat(1));
  hearing.await('n1', { boot: 'b1', daemon: 'd' });
  await pass(clock, silentMs);
  expect(hearing.isSilent('n1')).toBe(true);
  hearing.hear(beat(2));
  hearing.await('n1', { boot: 'b1', daemon: 'another' });
  await pass(clock, 2_999);
  expect(hearing.isSilent('n1')).toBe(false);
});

test('a node that was never heard, and one whose listing has just come, are given time', async () => {
  const { clock, hearing } = await opened();
  expect(hearing.isSilent('n1')).toBe(false);
  await pass(clock, silentMs);
  expect(hearing.isSilent('n1')).toBe(true);
  hearing.await('n1', { boot: 'b1', daemon: 'd' });
  await pass(clock, 2_999);
  expect(hearing.isSilent('n1')).toBe(false);
  await pass(clock, 1);
  expect(hearing.isSilent('n1')).toBe(true);
});

test('of boots that somebody makes up only so many are kept', async () => {
  const { hearing } = await opened();
  for (let boot = 0; boot < 100; boot++) hearing.hear(beat(1, `b${boot}`));
  expect(hearing.hear(beat(2, 'b98'))).toBe(false);
  expect(hearing.hear(beat(2, 'b0'))).toBe(true);
});
