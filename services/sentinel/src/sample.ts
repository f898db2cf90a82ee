import { beatMessage, beatMs, type Message, readProbe } from '@fairway/bus';
import type { Incarnation, Node } from '@fairway/mesh';

/** Nodes for tests: the first of them has its sandbox at 10.0.0.2. */
const firstHost = 2;

function lifeOf(boot: string): Incarnation {
  return { boot, daemon: 'd' };
}

/** A worker that Docker calls ready, as the mesh has it. */
export function nodeOf(id: string, boot: string): Node {
  const claim = { id, name: id, index: 1, role: 'worker', availability: 'active', state: 'ready', labels: {} } as const;
  return { claim, incarnation: lifeOf(boot), retired: [], causes: [] };
}

/** A beat of the one of these nodes. */
export function beatOf(ids: readonly string[], id: string, boot: string, tick: number): Message {
  const sandbox = { family: 'ip', text: `10.0.0.${ids.indexOf(id) + firstHost}` } as const;
  return beatMessage({ node: id, reading: { incarnation: lifeOf(boot), tick }, everyMs: beatMs, sandbox });
}

/** Which of these nodes somebody is to try to reach. */
export function probedOf(ids: readonly string[], probe: string): string {
  return ids[Number(readProbe('probe', probe).text.split('.')[3]) - firstHost] ?? '';
}
