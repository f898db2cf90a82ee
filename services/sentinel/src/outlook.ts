import type { Outlook } from '@fairway/bus';
import type { Mesh, Node } from '@fairway/mesh';
import type { Life } from './node-life.ts';

/**
 * The nodes that have to beat: those that Fairway runs on, as their listings say. One that Docker calls down gets no traffic
 * whatever a sentinel thinks of it.
 */
export function expectedNodes(mesh: Mesh): readonly string[] {
  const isExpected = ({ removedMs, incarnation, claim }: Node) =>
    removedMs === undefined && incarnation !== undefined && claim?.state !== 'down';
  return [...mesh.nodes].flatMap(([id, node]) => (isExpected(node) ? [id] : []));
}

/**
 * How far a sentinel sees. Who hears less than half of the nodes, and has nobody who says that they are lost, takes that for
 * its own blindness.
 */
export function outlookOf(sentinel: string, mesh: Mesh, lifeOf: (node: string) => Life): Outlook {
  const expected = expectedNodes(mesh);
  const unheard = expected.filter((node) => ['doubted', 'unheard'].includes(lifeOf(node)));
  return { sentinel, expected: expected.length, unheard, blind: unheard.length * 2 > expected.length };
}
