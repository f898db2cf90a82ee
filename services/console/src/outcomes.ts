import { type Bus, outcomeStream, readOutcome, subjects, Unreadable } from '@fairway/bus';
import type { Outcome } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import type { NodeOutcomes } from './fold-view.ts';

/** The nodes' last outcomes, and how many of those heard since this began could not be read. */
export type Followed = {
  readonly nodes: ReadonlyMap<string, NodeOutcomes>;
  readonly unreadable: number;
  stop(): Promise<void>;
};

/** Keeps the nodes' last outcomes by listening to the stream. `meshRevision` is of the mesh as it is known now. */
export function followOutcomes(bus: Bus, log: Log, meshRevision: () => number | undefined): Followed {
  const nodes = new Map<string, NodeOutcomes>();
  let unreadable = 0;
  const tail = bus.tail(outcomeStream.name, subjects.outcomes, (message) => {
    try {
      const { sender, epoch, body, atMs } = readOutcome(message);
      const last = nodes.get(sender);
      if (body.kind === 'drifted' || body.kind === 'repaired') {
        const { kind, namespace, found } = body;
        const drift = { namespace, found, atMs, repaired: kind === 'repaired' };
        nodes.set(sender, { ...last, drifts: new Map([...(last?.drifts ?? []), [namespace, drift]]) });
        return;
      }
      const { failed: _, ...held } = last ?? {};
      if (isLate(body, epoch, held.applied, meshRevision() ?? 0)) return;
      // The others in the stream's order; sequences do not tell it, a stream made anew starts them again.
      if (body.kind === 'applied') {
        const changed = body.changes.added + body.changes.removed > 0 ? { changed: body } : {};
        nodes.set(sender, { ...held, ...changed, ...settled(held), applied: { outcome: body, epoch } });
      }
      if (body.kind === 'failed') nodes.set(sender, { ...held, failed: body });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      unreadable += 1;
      log.warn('an outcome cannot be read and is left out', { reason: error.message });
    }
  });
  return {
    nodes,
    get unreadable() {
      return unreadable;
    },
    stop: () => tail.stop(),
  };
}

/** A node that has applied everything has no drift left: a sandbox that had some is gone, say, or its process began anew. */
function settled({ drifts }: NodeOutcomes): Pick<NodeOutcomes, 'drifts'> {
  return drifts ? { drifts: new Map([...drifts].map(([at, drift]) => [at, { ...drift, repaired: true }])) } : {};
}

/**
 * Whether it is of before what was heard of the node already: of a process that died, say, whose connection still carried it.
 * (A console that starts later hears what came last alone, and shows that until the node's next one.) A bucket
 * that was restored from a backup has older revisions, though, than what was applied before that.
 */
function isLate(told: Outcome, epoch: string, applied: NodeOutcomes['applied'], meshRevision: number): boolean {
  if (!('to' in told) || applied?.epoch !== epoch) return false;
  const { to } = applied.outcome;
  return told.to < to && to <= meshRevision;
}
