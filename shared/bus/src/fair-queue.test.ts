import { expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

const all = (queue: FairQueue<string>) => Array.from({ length: 6 }, () => queue.next());

it('takes from each line in turn, and of one line in order', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1']) queue.add(item[0] ?? '', item);
  expect(all(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'a3', undefined]);
});

it('gives one who comes late the next turn but those before it', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a1', 'a2', 'a3', 'a4']) queue.add('a', item);
  expect(queue.next()).toBe('a1');
  queue.add('b', 'b1');
  expect(all(queue)).toEqual(['a2', 'b1', 'a3', 'a4', undefined, undefined]);
});
