import { createHash } from 'node:crypto';
import type { ServiceFact, ServiceSpec, TaskClaim } from '@fairway/mesh';

/** A message carries at most this many tasks: with two addresses each they come to 300 kB of NATS's 1 MiB. */
const tasksMax = 1000;

/** All that is known of one service, before it is cut into messages. */
export type ServicePicture = Omit<ServiceFact, 'kind'>;

/** A digest of everything in a value: the same wherever it is computed, so that two managers' same facts have one id. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);
}

/**
 * What two pictures must have in common for the second to say nothing new. Indexes are left out: each step of an update
 * raises them, mostly without a change to what the mesh uses; the next change carries them.
 */
export function gist(picture: ServicePicture): string {
  const { index: _, ...spec } = picture.spec;
  const tasks = picture.tasks.map(({ index: _, ...task }) => task);
  return digest({ spec, tasks, gone: picture.gone, confirmed: picture.confirmed });
}

/** The picture, in an order that does not depend on Docker's. */
export function servicePicture(
  spec: ServiceSpec,
  claims: readonly TaskClaim[],
  gone: readonly string[],
  confirmed: boolean,
  partial = false,
): ServicePicture {
  const tasks = [...claims].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { spec, tasks, gone: [...gone].sort(), confirmed, ...(partial ? { partial } : {}) };
}

/** The picture in messages of bounded size. What a message leaves out is not denied by it: only `gone` does that. */
export function serviceFacts(picture: ServicePicture): readonly ServiceFact[] {
  const { spec, tasks, gone, confirmed, partial } = picture;
  const facts: ServiceFact[] = [];
  for (let at = 0; at === 0 || at < Math.max(tasks.length, gone.length); at += tasksMax) {
    const end = at + tasksMax;
    facts.push({ kind: 'service', spec, tasks: tasks.slice(at, end), gone: gone.slice(at, end), confirmed });
  }
  return facts.length === 1 && !partial ? facts : facts.map((fact) => ({ ...fact, partial: true }));
}
