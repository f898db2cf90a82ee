import { expect, test } from 'vitest';
import { ArgumentsInvalid, parseArguments } from './arguments.ts';

test('three nodes with Fairway and a sample service unless told otherwise', () => {
  expect(parseArguments([])).toEqual({ help: false, bare: false, nodes: 3, fairway: true });
  expect(parseArguments(['--bus', 'cluster'])).toMatchObject({ bus: 'cluster', nodes: 3 });
});

test('a command may begin with a dash only after an equals sign, and keeps its spaces', () => {
  expect(parseArguments(['--once', 'for n in $NODES; do curl $n; done', '--nodes=5', '--bare'])).toMatchObject({
    once: 'for n in $NODES; do curl $n; done',
    nodes: 5,
    bare: true,
  });
});

test.each([
  [['--nodes', '0']],
  [['--nodes', 'three']],
  [['--once', ' ']],
  [['--once']],
  [['--twice']],
  [['stray']],
  [['--bus', 'two']],
  [['--bus', 'cluster', '--nodes', '2']],
])('%j is refused with the usage', (args) => {
  expect(() => parseArguments(args)).toThrow(ArgumentsInvalid);
  expect(() => parseArguments(args)).toThrow('Usage: npm run dev');
});
