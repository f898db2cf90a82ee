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
      const held = nodes.get(sender) ?? {};
      const { sequence } = message;
      if (body.kind === 'applied') {
        const changed = body.changes.added + body.changes.removed > 0 ? { changed: body } : {};
        nodes.set(sender, { ...held, ...changed, applied: { outcome: body, epoch, sequence } });
      }
      if (body.kind === 'failed') nodes.set(sender, { ...held, failed: { outcome: body, sequence } });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      log.warn('an outcome cannot be read and is left out', { reason: error.message });
    }
  });
  return { nodes, stop: () => tail.stop() };
}
