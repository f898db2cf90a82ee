import type { TaskClaim } from '@fairway/mesh';
import { type EngineTask, type TaskState, taskStates } from './engine-schema.ts';

/** Whether a task in this state has ended. It never leaves it for a living one. */
export function isEnded(state: TaskState): boolean {
  return taskStates.indexOf(state) > taskStates.indexOf('running');
}

/** Whether Swarm wants the task to run. The tasks of a job are wanted to `complete`, and run until they do. */
export function isWanted(task: EngineTask): boolean {
  return task.DesiredState === 'complete' || !isEnded(task.DesiredState);
}

/**
 * What the managers claim of a task; undefined while it has no node. A task that Swarm wants only `ready` (it waits for
 * another one to stop) is wanted: it will be started without a new listing being due.
 */
export function taskClaim(task: EngineTask): TaskClaim | undefined {
  if (!task.NodeID) return undefined;
  return {
    id: task.ID,
    node: task.NodeID,
    index: task.Version.Index,
    claim: claimOf(task),
    addresses: task.NetworksAttachments.flatMap(({ Network, Addresses }) =>
      Addresses.flatMap((address) => (address ? [{ network: Network.ID, address }] : [])),
    ),
  };
}

function claimOf(task: EngineTask): TaskClaim['claim'] {
  if (!isWanted(task) || isEnded(task.Status.State)) return 'released';
  return task.Status.State === 'running' && task.DesiredState !== 'ready' ? 'running' : 'assigned';
}
