import { expect, test } from 'vitest';
import * as z from 'zod';
import { further, list, shortList, texts } from './bounded.ts';
import { explain } from './parse-text.ts';

const refusal = (shape: z.ZodType, value: unknown) => {
  const { error } = shape.safeParse(value);
  return error && { issues: error.issues.length, why: explain(error) };
};
const tasks = z.object({ tasks: list(z.object({ id: z.string() }), 1_000_000) });

test('a list is refused at the first items that do not fit, however many there are', () => {
  const wrong = { tasks: new Array(300_000).fill({}) };
  expect(refusal(tasks, wrong)).toMatchObject({
    issues: 3,
    why: expect.stringMatching(/^tasks\.0\.id: Invalid input/),
  });
  const late = { tasks: [...new Array(40).fill({ id: 'a' }), { id: 1 }] };
  expect(refusal(tasks, late)).toMatchObject({
    issues: 1,
    why: expect.stringMatching(/^tasks\.40\.id: Invalid input/),
  });
});

test('a list that fits comes back in its order', () => {
  const long = Array.from({ length: 100 }, (_, n) => ({ id: `t${n}` }));
  expect(tasks.parse({ tasks: long })).toEqual({ tasks: long });
});

test('a list that is too long is not looked into', () => {
  expect(refusal(list(z.string(), 2), [1, 2, 3])).toEqual({ issues: 1, why: 'value: 3 items, of at most 2' });
  expect(refusal(shortList(z.string(), 2), [1, 2, 3])).toEqual({ issues: 1, why: 'value: more than 2 items' });
  expect(refusal(shortList(z.string(), 2), 'a')?.why).toContain('expected array');
});

test('texts are refused by name, and a name of any length makes no long reason', () => {
  const labels = texts(2, 8, 8);
  expect(labels.parse({ a: 'b' })).toEqual({ a: 'b' });
  expect(refusal(labels, { a: 'b', c: 1 })?.why).toMatch(/^c: Invalid input/);
  expect(refusal(labels, { ['x'.repeat(1_000_000)]: 'b' })?.why).toMatch(/^xxxxxxxx: Too big/);
  expect(refusal(labels, { a: 'b', c: 'd', e: 'f' })?.why).toBe('value: 3 names, of at most 2');
});

test("a name that is a prototype's takes no effect", () => {
  const read = texts(9, 64, 64).parse(JSON.parse('{"__proto__":"x","constructor":"y"}'));
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(Object.keys(read)).toEqual(['constructor']);
});

test('what is kept without being known can be written again', () => {
  const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  expect(further.safeParse(nested(16)).success).toBe(true);
  expect(refusal(further, nested(100_000))?.why).toBe('value: nested deeper than 16');
});
