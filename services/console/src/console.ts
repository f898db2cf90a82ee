import { type Bus, deadLetterStream, MeshReplica } from '@fairway/bus';
import type { View } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { Hono } from 'hono';
import { foldView } from './fold-view.ts';
import { followOutcomes } from './outcomes.ts';

/** A running console: its HTTP application, and what stops its listening to the bus. */
export type Console = { readonly app: Hono; stop(): Promise<void> };

/** The console: reads the mesh and the outcomes from the bus and serves them as a view. It writes nothing. */
export function startConsole({ bus, log }: { bus: Bus; log: Log }): Console {
  const replica = new MeshReplica({
    onUnreadable: (error) => log.warn('an entry of the mesh cannot be read', { reason: error.message }),
  });
  const following = bus.mesh.follow(replica.follower);
  const outcomes = followOutcomes(bus, log);
  let lost: string | undefined;
  bus.onState((state, detail) => {
    lost = state === 'lost' ? detail : undefined;
  });

  const app = new Hono();
  app.get('/healthz', (context) => context.text('ok\n'));
  // A bus that does not answer is told by `pending`; the last count stands until then.
  let putAside = 0;
  const countPutAside = async () => {
    putAside = await bus.count(deadLetterStream.name).catch(() => putAside);
  };
  app.get('/api/status', async (context) => {
    const mesh = replica.current;
    if (!mesh)
      return context.json({ error: 'the console has not reached the mesh on the bus yet; is a decider running?' }, 503);
    if (lost === undefined) await countPutAside();
    const view: View = foldView(mesh, outcomes.nodes, putAside);
    if (lost === undefined) return context.json(view);
    const why = `the console has lost the bus (${lost}); what it shows is as it was then`;
    return context.json({
      ...view,
      converged: false,
      pending: [{ about: 'bus', why }, ...view.pending],
    } satisfies View);
  });
  return {
    app,
    async stop() {
      await Promise.all([following.stop(), outcomes.stop()]);
    },
  };
}
