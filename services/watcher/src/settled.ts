import type { EngineService, EngineTask } from './engine-schema.ts';
import { isEnded, isWanted } from './translate-task.ts';

/**
 * What Swarm has still to do for a service, for people; undefined when nothing. There are no events for tasks, so this
 * decides whether they are to be listed again soon.
 */
export function unsettled(service: EngineService, tasks: readonly EngineTask[]): string | undefined {
  const update = service.UpdateStatus?.State;
  if (update === 'updating' || update === 'rollback_started') return `its update is ${update}`;
  const wanted = tasks.filter((task) => isWanted(task) && !isEnded(task.Status.State));
  const running = wanted.filter((task) => task.Status.State === 'running');
  if (running.length < wanted.length)
    return `${wanted.length - running.length} of ${wanted.length} tasks do not run yet`;
  const leaving = tasks.filter((task) => !isWanted(task) && task.Status.State === 'running');
  if (leaving.length > 0) return `${leaving.length} tasks are told to end and run`;
  const replicated = service.Spec.Mode.Replicated;
  const replicas = replicated ? (replicated.Replicas ?? 1) : undefined;
  if (replicas !== undefined && replicas !== running.length) return `${running.length} of ${replicas} tasks run`;
  return undefined;
}
