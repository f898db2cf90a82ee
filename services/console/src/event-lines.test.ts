import { emptyMesh, type Mesh } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { lineOfEntry } from './event-lines.ts';

const trace = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const cause = (event: string, digit: string, after: number) => ({ event, trace: trace(digit), atMs: 1, after });
const web = {
  spec: { id: 's1', name: 'web', index: 1, mode: 'vip', ports: [], vips: [], labels: {} } as const,
  endpoints: [],
  causes: [cause('service create', '1', 3), cause('container start', '2', 5), cause('container', '3', 5)],
  seen: 1,
};
const mesh: Mesh = { ...emptyMesh('e'), services: new Map([['s1', web]]) };

test('a change of the mesh is told with all that it brings, by the trace that its rounds are in', () => {
  expect(lineOfEntry({ key: 'service.s1', text: '{}', revision: 7 }, mesh, 9)).toEqual({
    kind: 'mesh',
    atMs: 9,
    what: 'revision 7: service web by container start, container',
    trace: '22222222',
  });
});

test('an entry that is forgotten has no cause', () => {
  expect(lineOfEntry({ key: 'service.s1', revision: 8 }, mesh, 9)).toEqual({
    kind: 'mesh',
    atMs: 9,
    what: 'revision 8: service web is forgotten',
  });
});
