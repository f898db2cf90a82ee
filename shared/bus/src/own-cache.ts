import { containerStates, type WatchedFacts } from '@fairway/mesh';
import * as z from 'zod';
import { list } from './bounded.ts';
import { parseText } from './parse-text.ts';
import * as schema from './schema.ts';
import { schemaVersion, version } from './version.ts';

/** What a node knew of itself last: which node of which swarm it is, in which life, and how its own tasks are. */
export type SavedOwn = WatchedFacts & {
  readonly incarnation: NonNullable<WatchedFacts['incarnation']>;
  readonly swarm?: string;
  /** Identity of the ingress sandbox's network namespace: in another one the addresses are others. */
  readonly namespace?: string;
};

/** More tasks than a node has. */
const containersMax = 65_536;

const saved = z.object({
  schema: version,
  node: schema.id,
  swarm: schema.id.exactOptional(),
  incarnation: schema.incarnation,
  namespace: z.string().max(256).exactOptional(),
  gateway: schema.address.exactOptional(),
  sandbox: schema.address.exactOptional(),
  containers: list(z.object({ task: schema.id, state: z.enum(containerStates), tick: schema.index }), containersMax),
});

/** The text of the file for these facts. */
export function writeOwn({ node, swarm, incarnation, namespace, gateway, sandbox, containers }: SavedOwn): string {
  return JSON.stringify({
    schema: schemaVersion,
    node,
    ...(swarm === undefined ? {} : { swarm }),
    incarnation,
    ...(namespace === undefined ? {} : { namespace }),
    ...(gateway ? { gateway: gateway.text } : {}),
    ...(sandbox ? { sandbox: sandbox.text } : {}),
    containers: [...containers].map(([task, { state, tick }]) => ({ task, state, tick })),
  });
}

/** Reads it. @throws {Unreadable} where it is damaged, or of a release that this one does not read */
export function readOwn(path: string, text: string): SavedOwn {
  const { schema: _, containers, ...own } = parseText(path, text, saved);
  return { ...own, containers: new Map(containers.map(({ task, state, tick }) => [task, { state, tick }])) };
}
