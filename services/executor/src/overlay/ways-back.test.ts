import { SimulatedClock } from '@fairway/bus';
import { expect, test } from 'vitest';
import { muteAfterMs, silentAfterMs, WaysBack } from './ways-back.ts';

const pass = (clock: SimulatedClock, forMs: number) => clock.settle(Promise.resolve(), forMs);

/** Nodes as `n1`, or `n1 b1` where the boot is known, asked at their own names; `silent` are those that do not answer. */
function open() {
  const clock = new SimulatedClock();
  const silent = new Set<string>();
  const asked: string[] = [];
  let areAll = true;
  const changes: string[] = [];
  let fails = false;
  const ask = async (address: string) => {
    asked.push(address);
    if (fails) throw new Error('nobody can be asked');
    return !silent.has(address);
  };
  const back = new WaysBack({ clock, ask, onChange: (node, state) => changes.push(`${node} ${state}`) });
  const expectNodes = (...lives: string[]) =>
    back.expect(
      new Map(
        lives.map((text) => {
          const [node = '', boot] = text.split(' ');
          return [node, { life: boot === undefined ? undefined : { boot, daemon: 'd' }, address: node }] as const;
        }),
      ),
      areAll,
    );
  return {
    ...{ clock, silent, asked, back, expectNodes, changes },
    lack: () => {
      areAll = false;
    },
    fail: (does: boolean) => {
      fails = does;
    },
  };
}

test('who has answered serves until it was silent for a while, and again once it answers', async () => {
  const { clock, silent, back, expectNodes, changes } = open();
  expectNodes('n1', 'n2');
  expect([back.has('n1'), back.has('n2'), back.has('n3')]).toEqual([true, true, false]);
  await pass(clock, 100);
  silent.add('n1').add('n2');
  void back.askOldest(1);
  await pass(clock, silentAfterMs - 500);
  expect(back.has('n1')).toBe(true);
  await pass(clock, 1_500);
  expect([back.has('n1'), back.has('n2')]).toEqual([false, true]);
  silent.clear();
  await pass(clock, 1_500);
  expect(back.has('n1')).toBe(true);
  expect(changes).toEqual(['n1 silent', 'n1 answers']);
});

test('who comes later, or in a new life, serves once it has answered', async () => {
  const { clock, silent, back, expectNodes } = open();
  expectNodes('n1 b1');
  await pass(clock, 100);
  silent.add('n1');
  expectNodes('n1 b2', 'n2');
  expect([back.has('n1'), back.has('n2')]).toEqual([false, false]);
  await pass(clock, 1);
  expect([back.has('n1'), back.has('n2')]).toEqual([false, true]);
  silent.clear();
  await pass(clock, 100);
  expect(back.has('n1')).toBe(true);
});

test('who never answers serves in the end, and is told of; who was there before serves all the while', async () => {
  const { clock, silent, back, expectNodes, changes } = open();
  silent.add('n1').add('n2');
  expectNodes('n1');
  await pass(clock, 100);
  expectNodes('n1', 'n2');
  await pass(clock, muteAfterMs - 1_000);
  expect([back.has('n1'), back.has('n2')]).toEqual([true, false]);
  await pass(clock, 60_000);
  expect([back.has('n1'), back.has('n2')]).toEqual([true, true]);
  expect(changes).toEqual(['n2 mute']);
  // It may do so later.
  silent.clear();
  await back.askOldest(1);
  silent.add('n1').add('n2');
  await pass(clock, 100);
  void back.askOldest(1);
  void back.askOldest(1);
  await pass(clock, 10_000);
  expect([back.has('n1'), back.has('n2')]).toEqual([false, true]);
});

test('who never answers does not have to in a new life', async () => {
  const { clock, silent, back, expectNodes } = open();
  silent.add('n1');
  expectNodes('n1 b1');
  await pass(clock, muteAfterMs + 20_000);
  expectNodes('n1 b2');
  await pass(clock, 10_000);
  expect(back.has('n1')).toBe(true);
});

test('a mesh that is built anew takes nobody out', async () => {
  const { clock, back, expectNodes, lack, asked } = open();
  lack();
  expectNodes('n1 b1');
  expectNodes('n1 b1', 'n2 b1');
  expect(back.has('n2')).toBe(true);
  await pass(clock, 100);
  expectNodes();
  await pass(clock, 100);
  asked.length = 0;
  await back.askOldest(1);
  expect(asked).toEqual([]);
  // Its nodes are known before their lives are.
  expectNodes('n1', 'n2');
  expect([back.has('n1'), back.has('n2')]).toEqual([true, true]);
  expectNodes('n1 b1', 'n2 b1');
  expect([back.has('n1'), back.has('n2')]).toEqual([true, true]);
  await pass(clock, 100);
  back.keepOnly(new Set(['n1']));
  expect([back.has('n1'), back.has('n2')]).toEqual([true, false]);
});

test('one at a time is asked again, the longest unasked first', async () => {
  const { clock, asked, back, expectNodes } = open();
  expectNodes('n1', 'n2', 'n3');
  await pass(clock, 100);
  asked.length = 0;
  for (let n = 0; n < 4; n += 1) {
    await back.askOldest(1);
    await pass(clock, 1_000);
  }
  expect(asked).toEqual(['n1', 'n2', 'n3', 'n1']);
});

test('where nobody can be asked nothing is known for or against a node', async () => {
  const { clock, silent, back, expectNodes, fail, changes } = open();
  expectNodes('n1', 'n2');
  await pass(clock, 100);
  silent.add('n1');
  void back.askOldest(1);
  await pass(clock, 5_000);
  expect(changes).toEqual(['n1 silent']);
  silent.clear();
  fail(true);
  expectNodes('n1', 'n2', 'n3');
  await pass(clock, muteAfterMs - 1_000);
  await back.askOldest(1);
  expect([back.has('n1'), back.has('n2'), back.has('n3')]).toEqual([false, true, false]);
  fail(false);
  await pass(clock, 15_000);
  expect([back.has('n1'), back.has('n2'), back.has('n3')]).toEqual([true, true, true]);
});

test('who had no task, or no way to it, for a while serves once it has answered again', async () => {
  const { clock, silent, back, expectNodes } = open();
  expectNodes('n1', 'n2');
  await pass(clock, 100);
  expectNodes('n2');
  silent.add('n1');
  expectNodes('n1', 'n2');
  await pass(clock, 5_000);
  expect([back.has('n1'), back.has('n2')]).toEqual([false, true]);
  silent.clear();
  await pass(clock, 5_000);
  expect(back.has('n1')).toBe(true);
});

test('nobody is asked who is not there any more', async () => {
  const { clock, silent, asked, back, expectNodes } = open();
  silent.add('n1').add('n2');
  expectNodes('n1', 'n2');
  await pass(clock, 100);
  expectNodes('n2');
  asked.length = 0;
  await pass(clock, 2_000);
  expect(new Set(asked)).toEqual(new Set(['n2']));
  back.stop();
  asked.length = 0;
  await pass(clock, 20_000);
  expect(asked).toEqual([]);
});
