import {
  AnswerFailed,
  AnswerLate,
  type Bus,
  BusUnavailable,
  NobodyAnswers,
  NotPermitted,
  subjects,
  Unreadable,
} from '@fairway/bus';
import type { Mesh } from '@fairway/mesh';
import { describe } from '@fairway/telemetry';

/**
 * How long a node may take: less than the command waits for the console. A kernel lists 10,000 ports in 0.2 s, and takes
 * seconds where it has much to do; a node that is left to Docker lets connections end for 5 s.
 */
const answersMaxMs = {
  ...{ rules: 10_000, explain: 10_000, service: 10_000 },
  // What is found is looked at a second time, seconds later.
  ...{ audit: 20_000, doctor: 20_000 },
  ...{ uninstall: 15_000, install: 15_000 },
} as const;

/** A node that the mesh has, by name or id. */
export type NamedNode = { readonly id: string; readonly name: string };

/** Why a node's answer cannot be served, as an HTTP status and a sentence for people. */
export class NodeUnanswered extends Error {
  readonly status: 404 | 409 | 502 | 503 | 504;
  constructor(status: NodeUnanswered['status'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/**
 * The node with this id or name. A machine that left the swarm and joined again is another node of the same name, beside
 * the one that is down: the one that is ready is meant.
 * @throws {NodeUnanswered} 404, with the names that there are; 409, with the ids of those of one name
 */
export function nodeNamed(mesh: Mesh, nameOrId: string): NamedNode {
  const nodes = [...mesh.nodes]
    .filter(([, { removedMs }]) => removedMs === undefined)
    .map(([id, { claim }]) => ({ id, name: claim?.name ?? id, ready: claim?.state === 'ready' }));
  const byId = nodes.find(({ id }) => id === nameOrId);
  if (byId) return byId;
  const named = nodes.filter(({ name }) => name === nameOrId);
  const ready = named.filter((node) => node.ready);
  const [found, ...more] = ready.length > 0 ? ready : named;
  if (found && more.length === 0) return found;
  if (found) {
    const ids = [found, ...more].map(({ id }) => id).sort();
    throw new NodeUnanswered(409, `there are several nodes ${nameOrId}; ask for one by its id: ${ids.join(', ')}`);
  }
  const names = [...new Set(nodes.map(({ name }) => name))].sort();
  throw new NodeUnanswered(404, `there is no node ${nameOrId}; there are ${names.join(', ') || 'none yet'}`);
}

/** Asks the node, and reads its answer. @throws {NodeUnanswered} */
export async function askNode<Answer>(
  bus: Bus,
  node: NamedNode,
  question: keyof typeof answersMaxMs,
  text: string,
  read: (subject: string, answer: string) => Answer,
): Promise<Answer> {
  const subject = subjects.ask(node.id, question);
  try {
    return read(subject, await bus.ask(subject, text, answersMaxMs[question]));
  } catch (error) {
    throw unanswered(node, answersMaxMs[question], error);
  }
}

function unanswered({ name }: NamedNode, limitMs: number, cause: unknown): unknown {
  const because = (status: NodeUnanswered['status'], why: string) => new NodeUnanswered(status, why, { cause });
  if (cause instanceof NobodyAnswers)
    return because(504, `node ${name} does not answer; does its node process run, and does it reach the bus?`);
  if (cause instanceof AnswerLate) return because(504, `node ${name} has not answered within ${limitMs / 1000} s`);
  if (cause instanceof AnswerFailed) return because(502, `node ${name} could not answer: ${cause.reason}`);
  if (cause instanceof Unreadable)
    return because(502, `what node ${name} answers cannot be read (${cause.reason}); is it of the console's version?`);
  if (cause instanceof NotPermitted)
    return because(
      502,
      `the console may not ask node ${name} (${cause.message}); do the servers have their configuration anew?`,
    );
  if (cause instanceof BusUnavailable)
    return because(503, `the console does not reach node ${name}: ${describe(cause)}`);
  return cause;
}
