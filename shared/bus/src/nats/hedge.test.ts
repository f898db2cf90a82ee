import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hedge, insistOnWrite } from './hedge.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Asks that are answered by hand. */
function open() {
  const asks: { answer(text: string): void; fail(error: Error): void }[] = [];
  const discarded: string[] = [];
  const hedged = hedge(() => new Promise<string>((answer, fail) => void asks.push({ answer, fail })), {
    afterMs: 100,
    most: 3,
    discard: (late) => void discarded.push(late),
  });
  hedged.catch(() => {});
  return { asks, discarded, hedged };
}

test('what is answered soon is asked once', async () => {
  const { asks, hedged } = open();
  asks[0]?.answer('soon');
  expect(await hedged).toBe('soon');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asks).toHaveLength(1);
});

test('without an answer it is asked again, so many times; the first answer counts and later ones are discarded', async () => {
  const { asks, discarded, hedged } = open();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asks).toHaveLength(3);
  asks[1]?.answer('second');
  expect(await hedged).toBe('second');
  asks[0]?.answer('first');
  asks[2]?.fail(new Error('third'));
  await vi.advanceTimersByTimeAsync(0);
  expect(discarded).toEqual(['first']);
});

test('a failure counts as an answer does', async () => {
  const { asks, discarded, hedged } = open();
  await vi.advanceTimersByTimeAsync(100);
  asks[1]?.fail(new Error('second'));
  await expect(hedged).rejects.toThrow('second');
  asks[0]?.answer('first');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asks).toHaveLength(2);
  expect(discarded).toEqual(['first']);
});

test('of a write only the first one may fail, and the success of any counts', async () => {
  const asks: { answer(text: string): void; fail(error: Error): void }[] = [];
  const write = () => new Promise<string>((answer, fail) => void asks.push({ answer, fail }));
  const told = (hedged: Promise<string>) => hedged.catch((error: Error) => error.message);
  const written = told(insistOnWrite(write));
  await vi.advanceTimersByTimeAsync(600);
  asks[1]?.fail(new Error('conflict'));
  asks[0]?.answer('stored');
  expect(await written).toBe('stored');
  asks.length = 0;
  const refused = told(insistOnWrite(write));
  await vi.advanceTimersByTimeAsync(600);
  asks[1]?.fail(new Error('conflict'));
  asks[0]?.fail(new Error('timeout'));
  expect(await refused).toBe('timeout');
});

test('nothing is asked again once nobody waits for it', async () => {
  let asks = 0;
  const over = new AbortController();
  const write = () => {
    asks += 1;
    return new Promise<string>(() => {});
  };
  void insistOnWrite(write, over.signal);
  await vi.advanceTimersByTimeAsync(600);
  over.abort();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asks).toBe(2);
});
