import { expect, test } from 'vitest';
import { ArgumentsInvalid, parseArguments } from './arguments.ts';
import { scenarios } from './scenarios/index.ts';

test('all scenarios are played, or those named, in the order given', () => {
  expect(parseArguments([]).played).toEqual(scenarios);
  const { played, seed } = parseArguments(['network-cut', 'node-loses-power', '--seed', '7']);
  expect(played.map(({ name }) => name)).toEqual(['network-cut', 'node-loses-power']);
  expect(seed).toBe(7);
});

test('Fairway carries the requests, Docker’s own mesh, or one after the other, with the scenarios that both have', () => {
  expect(parseArguments([]).meshes).toEqual(['fairway']);
  expect(parseArguments(['--docker']).meshes).toEqual(['docker']);
  const { meshes, played } = parseArguments(['--compare']);
  expect(meshes).toEqual(['docker', 'fairway']);
  expect(played).toEqual(scenarios.filter((scenario) => scenario.of === 'swarm'));
});

test('a run at random is one from each seed', () => {
  expect(parseArguments(['--random'])).toMatchObject({ random: [1], played: [] });
  expect(parseArguments(['network-cut', '--random'])).toMatchObject({ random: [1], played: [{ name: 'network-cut' }] });
  expect(parseArguments(['--random', '--seeds', '3..5', '--minutes', '0.5'])).toMatchObject({
    random: [3, 4, 5],
    minutes: 0.5,
  });
});

test.each([
  [['no-such'], /there is no scenario "no-such"; there are\n {2}container-killed/],
  [['--docker', 'decider-killed'], /there is no scenario "decider-killed"/],
  [['--docker', '--random'], /--docker and --compare do not/],
  [['--compare', '--random'], /--docker and --compare do not/],
  [['--docker', '--compare'], /--compare has --docker in it/],
  [['--minutes', '2'], /are for --random/],
  [['--random', '--seeds', 'x'], /--seeds is/],
  [['--random', '--seeds', '5..3'], /--seeds is/],
  [['--random', '--minutes', '0'], /--minutes is/],
  [['--seed', '1.5'], /--seed is/],
  [['--sed', '1'], /--sed/],
])('%s is refused with a reason', (args, reason) => {
  expect(() => parseArguments(args)).toThrow(reason);
  expect(() => parseArguments(args)).toThrow(ArgumentsInvalid);
});

test('no two scenarios have the same name', () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
});
