import type { Sight, Vote } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { count, peersOf, quorumOf } from './votes.ts';

const said = (...sights: Sight[]): Vote[] => sights.map((sight, at) => ({ peer: `n${at}`, sight }));

test.each<[string, Sight[], number, ReturnType<typeof count>]>([
  ['two of three do not reach it', ['silent', 'silent'], 3, 'confirmed'],
  ['two of three do not reach it, the third does', ['reached', 'silent', 'silent'], 3, 'confirmed'],
  ['two of three reach it', ['reached', 'reached'], 3, 'refuted'],
  ['one of three has not said it yet', ['reached', 'silent'], 3, undefined],
  ['one of three could not try', ['reached', 'silent', 'unable'], 3, 'refuted'],
  ['two of three could not try', ['silent', 'unable', 'unable'], 3, 'unknown'],
  ['of two one does not reach it', ['silent'], 2, undefined],
  ['of two none reaches it', ['silent', 'silent'], 2, 'confirmed'],
  ['of two one reaches it', ['reached'], 2, 'refuted'],
  ['of two one could not try', ['silent', 'unable'], 2, 'unknown'],
  ['the only one does not reach it', ['silent'], 1, 'confirmed'],
  ['the only one reaches it', ['reached'], 1, 'refuted'],
  ['there is nobody to ask', [], 0, 'unknown'],
])('%s', (_, sights, asked, found) => {
  expect(count(said(...sights), asked, quorumOf(asked))).toBe(found);
});

test('one that is heard of several that are there does not take a node down', () => {
  expect(count(said('silent'), 1, quorumOf(2))).toBe('unknown');
  expect(count(said('reached'), 1, quorumOf(2))).toBe('refuted');
  expect(count(said('silent', 'unable'), 2, quorumOf(2))).toBe('unknown');
});

test('three peers are asked, never the node itself, and the same ones by whoever hears the same', () => {
  const heard = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const peers = peersOf('n3', heard);
  expect(peers).toHaveLength(3);
  expect(peers).not.toContain('n3');
  expect(peersOf('n3', heard.toReversed())).toEqual(peers);
  expect(peersOf('n1', ['n1', 'n2'])).toEqual(['n2']);
  expect(peersOf('n1', ['n2'], ['n3'])).toEqual(['n2', 'n3']);
  expect(peersOf('n5', ['n1', 'n2', 'n3'], ['n4'])).not.toContain('n4');
});
