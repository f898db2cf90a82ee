import { expect, test } from 'vitest';
import { showEvent } from './show-event.ts';

test('time, kind, node, what and trace in columns; what is not known is left out', () => {
  const fact = { kind: 'fact', atMs: 1_500, node: 'alpha', what: 'container web: container start', trace: '4bf92f35' };
  expect(
    showEvent({ ...fact, kind: 'fact' }) + showEvent({ kind: 'mesh', atMs: 2_000, what: 'epoch e1 begins' }),
  ).toMatchInlineSnapshot(`
    "00:00:01.500  fact     alpha         container web: container start  trace 4bf92f35
    00:00:02.000  mesh     -             epoch e1 begins
    "
  `);
});
