import { answers } from './oracle/tables.ts';
import type { World } from './world.ts';

/** A task is drained for 2 s, ends within 1.5 s and is followed by another one, which runs within a second. */
const perTaskMs = 5_000;

/**
 * One more update of a service, from a quiet world: its tasks are replaced one after the other. Nothing is in the way of
 * what Swarm decides of them being known, so that the invariants hold each to it when its process is told to end.
 */
export async function updateLast(world: World): Promise<void> {
  const { store } = world.swarm;
  const tasksOf = (service: string) => store.tasksOf(service).filter((task) => answers(world, task));
  const [largest] = store
    .all('services')
    .map(({ ID }) => ({ id: ID, tasks: tasksOf(ID).length }))
    .sort((a, b) => b.tasks - a.tasks);
  if (!largest || largest.tasks < 2) return;
  world.say('story', `${largest.id} is updated at last`);
  world.swarm.updateService(largest.id, 80);
  await world.clock.settle(Promise.resolve(), largest.tasks * perTaskMs);
}
