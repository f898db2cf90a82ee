import { type Bus, outcomeStream, readOutcome, subjects, Unreadable } from '@fairway/bus';
import type { Log } from '@fairway/telemetry';
import type { NodeOutcomes } from './fold-view.ts';

/** The nodes' last outcomes, kept by listening to the stream. */
export function followOutcomes(
  bus: Bus,
  log: Log,
): { readonly nodes: ReadonlyMap<string, NodeOutcomes>; stop(): Promise<void> } {
  const nodes = new Map<string, NodeOutcomes>();
  const tail = bus.tail(outcomeStream.name, subjects.outcomes, (message) => {
    try {
      const { sender, epoch, body } = readOutcome(message);
      const { failed: _, ...held } = nodes.get(sender) ?? {};
      // In the stream's order; sequences do not tell it, a stream made anew starts them again.
      if (body.kind === 'applied') {
        const changed = body.changes.added + body.changes.removed > 0 ? { changed: body } : {};
        nodes.set(sender, { ...held, ...changed, applied: { outcome: body, epoch } });
      }
      if (body.kind === 'failed') nodes.set(sender, { ...held, failed: body });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      log.warn('an outcome cannot be read and is left out', { reason: error.message });
    }
  });
  return { nodes, stop: () => tail.stop() };
}
