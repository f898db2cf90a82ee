import type { Claim, ContainerState, Endpoint, TaskClaim } from '@fairway/mesh';
import { setup, transition } from 'xstate';

/**
 * A task's life, in two regions that go on side by side, one per authority: what the managers claim of the task, and
 * what its own node says of its container. Neither speaks for the other; what the endpoint is to those who send to it
 * follows from both (`endpointState`).
 */
const machine = setup({
  types: {} as {
    events:
      | { type: 'task.assigned' | 'task.running' | 'task.released' | 'task.gone' }
      | { type: 'swarm.restored'; claim: TaskClaim['claim'] }
      | { type: `container.${Exclude<ContainerState, 'unknown'>}` };
  },
  guards: {
    restoredTo: ({ event }, { claim }: { claim: Claim }) => event.type === 'swarm.restored' && event.claim === claim,
  },
}).createMachine({
  id: 'task',
  type: 'parallel',
  states: {
    claim: {
      initial: 'absent',
      // Swarm may be restored from an older backup: what an inspect then confirms counts, whatever was before.
      on: {
        'swarm.restored': [
          { guard: { type: 'restoredTo', params: { claim: 'assigned' } }, target: '.assigned' },
          { guard: { type: 'restoredTo', params: { claim: 'running' } }, target: '.running' },
          { guard: { type: 'restoredTo', params: { claim: 'released' } }, target: '.released' },
        ],
        'task.released': '.released',
        'task.gone': '.released',
      },
      states: {
        absent: { on: { 'task.assigned': 'assigned', 'task.running': 'running' } },
        assigned: { on: { 'task.running': 'running' } },
        running: {},
        // A task that Swarm released is never wanted again: another one takes its place.
        released: {},
      },
    },
    // A container goes forward only, and is never started again; reports that were overtaken are left out by their ticks.
    // It may survive a signal to stop that was not Swarm's; its node then says so, and is believed as its later word.
    container: {
      initial: 'unknown',
      on: { 'container.dead': '.dead' },
      states: {
        unknown: {
          on: {
            'container.starting': 'starting',
            'container.running': 'running',
            'container.unhealthy': 'unhealthy',
            'container.stopping': 'stopping',
          },
        },
        starting: {
          on: { 'container.running': 'running', 'container.unhealthy': 'unhealthy', 'container.stopping': 'stopping' },
        },
        running: { on: { 'container.unhealthy': 'unhealthy', 'container.stopping': 'stopping' } },
        unhealthy: { on: { 'container.running': 'running', 'container.stopping': 'stopping' } },
        stopping: { on: { 'container.running': 'running', 'container.unhealthy': 'unhealthy' } },
        // Only a swarm that was restored has a task run again, in a container of its own.
        dead: { on: { 'container.starting': 'starting', 'container.running': 'running' } },
      },
    },
  },
});

export type TaskEvent = Parameters<typeof transition<typeof machine>>[2];

/** The endpoint after the event; the very same endpoint when the event changes nothing. */
export function step(endpoint: Endpoint, event: TaskEvent, nowMs: number): Endpoint {
  const before = machine.resolveState({ value: { claim: endpoint.claim, container: endpoint.container } });
  const [after] = transition(machine, before, event);
  const { claim, container } = after.value as { claim: Claim; container: ContainerState };
  if (claim === endpoint.claim && container === endpoint.container) return endpoint;
  return { ...endpoint, claim, container, sinceMs: nowMs };
}
