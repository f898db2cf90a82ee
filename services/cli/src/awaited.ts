import type { BehindDocker, NodeView, ServiceView, UpdateState, View } from '@fairway/mesh';

/** How a service was when it last changed, and since when nothing of it has. */
export type Steady = {
  /** All of it that a change could show in, of Docker's too. */
  readonly picture: string;
  /** The view's revision then: a node that has applied it has this service as it is. */
  readonly revision: number;
  /** When that was answered. */
  readonly sinceMs: number;
};

/** When the console was asked, and when it had answered, milliseconds of a clock that never goes back. */
export type AskedAt = { readonly askedMs: number; readonly answeredMs: number };

/** What one look came to. */
export type Look = {
  readonly steady: Steady;
  readonly waitingFor: readonly string[];
  /** Swarm has rolled its last update back, by itself or as somebody asked: what every node has is what was before. */
  readonly rolledBack: boolean;
};

/** What an update that is not over is waited for with. */
const updates: Record<Exclude<UpdateState, 'rollback_completed'>, string> = {
  updating: 'Docker to end its update',
  rollback_started: 'Docker to end the rollback of its update',
  paused: 'somebody: its update failed and is paused; `docker service inspect` says why',
  rollback_paused: "somebody: its update's rollback failed and is paused; `docker service inspect` says why",
};

/** Which service is waited for, and for how long it has to stay as it is before it counts, milliseconds. */
type Wanted = { readonly name: string; readonly steadyMs: number };

/**
 * What is waited for until the service is on every ready node, one sentence each; empty when nothing is. `before` is
 * what the look before this one came to. Other services' changes count for nothing: on a busy swarm there is always a
 * node that has yet to apply the last of them.
 */
export function look(before: Steady | undefined, view: View, { name, steadyMs }: Wanted, at: AskedAt): Look {
  const { behind = notTold } = view;
  const service = view.services.find((held) => held.name === name);
  const picture = `${view.epoch} ${JSON.stringify(behind)} ${JSON.stringify(service)}`;
  const changed = before?.picture !== picture;
  const steady = changed ? { picture, revision: view.revision, sinceMs: at.answeredMs } : before;
  const waitingFor = [
    ...view.pending.filter(({ about }) => about === 'bus' || about === 'mesh').map(({ why }) => why),
    ...(service ? ofService(service, view) : [`a service ${name}`]),
    ...behind.unheard,
    ...view.nodes.flatMap((node) => ofNode(node, steady.revision)),
  ];
  // What was asked took its time: in between nobody looked.
  if (waitingFor.length === 0 && at.askedMs - steady.sinceMs < steadyMs)
    waitingFor.push(`it to stay so for ${inSeconds(steadyMs)}`);
  return { steady, waitingFor, rolledBack: service?.update === 'rollback_completed' };
}

/** Where the console does not say, as one of an earlier release, the view is all there is. */
const notTold: BehindDocker = { unheard: [] };

function inSeconds(ms: number): string {
  return ms === 1000 ? 'a second' : `${ms / 1000} s`;
}

function ofService(service: ServiceView, view: View): string[] {
  const { name, replicas, serving, ports, update } = service;
  const nameOf = (id: string) => view.nodes.find((node) => node.id === id)?.name ?? id;
  const tasks = service.endpoints.flatMap(({ task, node, awaited }) =>
    awaited === undefined ? [] : [`task ${task} on ${nameOf(node)}, which waits for ${awaited}`],
  );
  // What nodes wait for themselves: a way over their overlay to one of its tasks, or the sandbox that ports lead to.
  const ofIt = [name, ...(ports.length > 0 ? ['ingress', 'ingress_sbox'] : [])];
  const notes = view.pending
    .filter(({ about }) => view.nodes.some((node) => ofIt.some((what) => about === `node ${node.name}, ${what}`)))
    .map(({ about, why }) => `${about.split(',')[0]}: ${why}`);
  const problems = view.problems.filter(({ about }) => about === name).map(({ why }) => `somebody: ${why}`);
  const updating = update === undefined || update === 'rollback_completed' ? [] : [updates[update]];
  const left = [...updating, ...tasks, ...notes, ...problems];
  // How many a global service wants is not known. It has none before Docker has begun with it, and for good where its
  // constraints leave it no node.
  const enough = replicas === undefined ? serving > 0 : serving === replicas;
  if (enough || tasks.length > 0) return left;
  return [replicas === undefined ? 'its first task' : `its tasks to serve, ${serving} of ${replicas} do`, ...left];
}

function ofNode(node: NodeView, revision: number): string[] {
  if (node.state !== 'ready') return [];
  if (node.failure !== undefined) return [`node ${node.name}, whose last apply failed: ${node.failure}`];
  if (node.applied === undefined) return [`node ${node.name}, which has applied nothing in this epoch`];
  if (node.applied >= revision) return [];
  return [`node ${node.name}, which has applied revision ${node.applied} of ${revision}`];
}
