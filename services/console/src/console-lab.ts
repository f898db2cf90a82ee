import { createMemoryBus, keys, outcomeMessage, SimulatedClock, writeComplete, writeNode } from '@fairway/bus';
import type { Note, Outcome, View } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';
import { startConsole } from './console.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

export type ConsoleLab = Awaited<ReturnType<typeof openLab>>;

/** A console on a bus in memory, and what to do to both. */
export async function openLab() {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const given = bus.another();
  const console = startConsole({ bus: given, log, clock });
  const pass = (forMs: number) => clock.settle(Promise.resolve(), forMs);
  let told = 0;
  return {
    bus,
    given,
    console,
    pass,
    /** A mesh with one node, complete; returns its last revision. */
    async fill(): Promise<number> {
      const epoch = await clock.settle(bus.provision());
      const claim = {
        id: 'n1',
        name: 'alpha',
        index: 1,
        role: 'worker',
        availability: 'active',
        state: 'ready',
      } as const;
      const text = writeNode({ claim: { ...claim, labels: {} }, retired: [], causes: [] });
      await clock.settle(bus.mesh.put(keys.node('n1'), text, 0));
      const revision = await clock.settle(bus.mesh.put(keys.complete, writeComplete({ epoch, listing: 'l' }), 0));
      await pass(1);
      return revision;
    },
    async write(key: string, text: string): Promise<void> {
      await clock.settle(bus.mesh.put(key, text, 0));
      await pass(1);
    },
    async tell(outcome: Outcome): Promise<void> {
      const epoch = (await clock.settle(bus.epoch())) ?? 'none';
      await clock.settle(bus.publish(outcomeMessage('n1', epoch, outcome, 0, '00-x'), `o${told++}`));
      await pass(1);
    },
    async get(path: string): Promise<{ status: number; body: unknown }> {
      const response = await clock.settle(Promise.resolve(console.app.request(path)));
      return { status: response.status, body: await response.json() };
    },
    /** What /metrics tells of Fairway, a line each: `fairway_nodes{state="ready"} 1`. */
    async metrics(): Promise<readonly string[]> {
      const response = await clock.settle(Promise.resolve(console.app.request('/metrics')));
      return (await response.text()).split('\n').filter((line) => line.startsWith('fairway_'));
    },
    put: (message: Parameters<typeof bus.publish>[0], id: string) => clock.settle(bus.publish(message, id)),
    async status(): Promise<{ status: number; body: View & { error?: string } }> {
      const response = await clock.settle(Promise.resolve(console.app.request('/api/status')));
      return { status: response.status, body: (await response.json()) as View & { error?: string } };
    },
  };
}

export const applied = (to: number, notes: readonly Note[] = []): Outcome => ({
  kind: 'applied',
  from: 0,
  to,
  durationMs: 2,
  changes: { added: 1, removed: 0 },
  causes: [],
  notes,
});

export const failed = (to: number): Outcome => ({
  kind: 'failed',
  from: to,
  to,
  namespace: 'host',
  reason: 'refused',
  causes: [],
});
