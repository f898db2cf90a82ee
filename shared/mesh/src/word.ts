import { type Endpoint, endpointState, isWithdrawal } from './endpoint.ts';
import type { ContainerFact } from './fact.ts';
import type { Mesh } from './mesh.ts';
import type { Service } from './service.ts';

/**
 * A node's word to the others on the container of one of its own tasks. It goes ahead of the mesh, for which the bus may need
 * an election first, and of which a node that is connected to a lost server hears nothing for seconds.
 */
export type Word = Omit<ContainerFact, 'kind' | 'container'> & {
  /** When the node saw it, milliseconds of its own clock: to be shown only. */
  readonly atMs: number;
  /** W3C traceparent of the container's event. */
  readonly trace: string;
};

/**
 * The mesh with the words that it has not overtaken yet. They send away from a task alone, and only from one of the node
 * whose word it is, in the same life of it: what was served no more on a node's word is served again on the mesh's.
 */
export function withWords(mesh: Mesh, words: Iterable<Word>): Mesh {
  const heeded = new Map<string, Service>();
  for (const word of words) {
    if (!isWithdrawal(word.state)) continue;
    const service = heeded.get(word.service) ?? mesh.services.get(word.service);
    const at = service?.endpoints.findIndex((endpoint) => isNewsOf(endpoint, word, mesh)) ?? -1;
    const endpoint = service?.endpoints[at];
    if (!service || !endpoint) continue;
    heeded.set(word.service, {
      ...service,
      endpoints: service.endpoints.with(at, { ...endpoint, container: word.state }),
    });
  }
  return heeded.size === 0 ? mesh : { ...mesh, services: new Map([...mesh.services, ...heeded]) };
}

/** Whether the word makes less of a task than the mesh does, which still sends to it. */
export function withdraws(word: Word, mesh: Mesh): boolean {
  if (!isWithdrawal(word.state)) return false;
  const endpoint = mesh.services.get(word.service)?.endpoints.find((one) => isNewsOf(one, word, mesh));
  if (!endpoint) return false;
  const state = endpointState(endpoint);
  const isSentTo = state === 'serving' || state === 'draining';
  return isSentTo && endpointState({ claim: endpoint.claim, container: word.state }) !== state;
}

/** Ticks are ordered within a boot of the node. Of what it has not spoken of yet, the mesh knows by the node itself in which. */
function isNewsOf(endpoint: Endpoint, { node, task, state, reading }: Word, { nodes }: Mesh): boolean {
  if (endpoint.task !== task || endpoint.node !== node || endpoint.container === state) return false;
  const { boot = reading.incarnation.boot } = endpoint.incarnation ?? nodes.get(node)?.incarnation ?? {};
  return boot === reading.incarnation.boot && reading.tick > (endpoint.tick ?? -1);
}
