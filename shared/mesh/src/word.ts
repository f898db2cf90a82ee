import { type Endpoint, endpointState, isWithdrawal } from './endpoint.ts';
import type { ContainerFact } from './fact.ts';
import type { Mesh } from './mesh.ts';
import type { Service } from './service.ts';

/**
 * A node's word to the others on the container of one of its own tasks, or a manager's that Swarm has released a task. It goes
 * ahead of the mesh, for which the bus may need an election first, and of which a node that is connected to a lost server
 * hears nothing for seconds.
 */
export type Word = Omit<ContainerFact, 'kind' | 'container' | 'state'> & {
  readonly state: ContainerFact['state'] | typeof released;
  /** When the node saw it, milliseconds of its own clock: to be shown only. */
  readonly atMs: number;
  /** W3C traceparent of the event. */
  readonly trace: string;
};

/** The state of a manager's word. The tick of its reading is the task's `Version.Index`. */
const released = 'released';

/** Whether what is said sends away from a task. */
export function sendsAway({ state }: Pick<Word, 'state'>): boolean {
  return state === released || isWithdrawal(state);
}

/** What a word is about, of all that its node says: later ones about the same take its place. */
export function subjectOf({ state, task }: Pick<Word, 'state' | 'task'>): string {
  return state === released ? `${released} ${task}` : task;
}

/**
 * The mesh with the words that it has not overtaken yet. They send away from a task alone, and only from one of the node
 * whose word it is, in the same life of it, or by a manager's word: what was served no more on a word is served again on the
 * mesh's.
 */
export function withWords(mesh: Mesh, words: Iterable<Word>): Mesh {
  const said = Map.groupBy(words, ({ service }) => service);
  const heeded = new Map<string, Service>();
  for (const [id, some] of said) {
    const service = mesh.services.get(id);
    if (!service) continue;
    const of = Map.groupBy(some.filter(sendsAway), ({ task }) => task);
    const endpoints = service.endpoints.map((endpoint) =>
      (of.get(endpoint.task) ?? []).reduce(
        (heard, word) => (isNewsOf(heard, word, mesh) ? withWord(heard, word) : heard),
        endpoint,
      ),
    );
    if (endpoints.some((endpoint, at) => endpoint !== service.endpoints[at])) heeded.set(id, { ...service, endpoints });
  }
  return heeded.size === 0 ? mesh : { ...mesh, services: new Map([...mesh.services, ...heeded]) };
}

function withWord(endpoint: Endpoint, { state }: Word): Endpoint {
  return state === released ? { ...endpoint, claim: released } : { ...endpoint, container: state };
}

/** Whether the word makes less of a task than the mesh does, which still sends to it. */
export function withdraws(word: Word, mesh: Mesh): boolean {
  const endpoint = sendsAway(word) ? findNewsOf(word, mesh) : undefined;
  if (!endpoint) return false;
  const state = endpointState(endpoint);
  const isSentTo = state === 'serving' || state === 'draining';
  return isSentTo && endpointState(withWord(endpoint, word)) !== state;
}

/**
 * Whether the others may need the word: that a task is to get nothing new of which this mesh says otherwise. It may be late
 * itself, so it is no matter whether it sends to the task. That one stops which Swarm has released all know.
 */
export function isWorthSaying(word: Word, mesh: Mesh): boolean {
  return mesh.services.get(word.service)?.endpoints.some((endpoint) => isNeededOf(endpoint, word, mesh)) === true;
}

/** Those of many words on one service that the others may need. */
export function worthSaying(words: readonly Word[], service: string, mesh: Mesh): readonly Word[] {
  const endpoints = new Map(mesh.services.get(service)?.endpoints.map((endpoint) => [endpoint.task, endpoint]));
  return words.filter((word) => {
    const endpoint = endpoints.get(word.task);
    return endpoint && isNeededOf(endpoint, word, mesh);
  });
}

function isNeededOf(endpoint: Endpoint, word: Word, mesh: Mesh): boolean {
  if (!sendsAway(word) || endpoint.container === 'dead' || !isNewsOf(endpoint, word, mesh)) return false;
  return word.state !== 'stopping' || endpoint.claim !== released;
}

function findNewsOf(word: Word, mesh: Mesh): Endpoint | undefined {
  return mesh.services.get(word.service)?.endpoints.find((endpoint) => isNewsOf(endpoint, word, mesh));
}

/** Ticks are ordered within a boot of the node. Of what it has not spoken of yet, the mesh knows by the node itself in which. */
function isNewsOf(endpoint: Endpoint, { node, task, state, reading }: Word, { nodes }: Mesh): boolean {
  if (endpoint.task !== task) return false;
  if (state === released) {
    const isWanted = endpoint.claim === 'assigned' || endpoint.claim === 'running';
    const by = nodes.get(node);
    const isManager = by?.claim?.role === 'manager' && by.removedMs === undefined;
    return isWanted && isManager && reading.tick > endpoint.index;
  }
  if (endpoint.node !== node || endpoint.container === state) return false;
  const { boot = reading.incarnation.boot } = endpoint.incarnation ?? nodes.get(node)?.incarnation ?? {};
  return boot === reading.incarnation.boot && reading.tick > (endpoint.tick ?? -1);
}
