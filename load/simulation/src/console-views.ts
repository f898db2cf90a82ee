import { keys } from '@fairway/bus';
import type { View } from '@fairway/mesh';
import type { World } from './world.ts';

/** The mesh may just have been swept, which nodes tell of a moment later: consoles are looked at again for so long. */
const viewMs = 5_000;
const lookEveryMs = 1_000;

/**
 * What consoles show that is not so, once all is quiet: each the whole mesh, applied by every node that runs. Rules may be right,
 * for there is nothing to serve, up to `lateMs` before the mesh is complete: until then there is nothing to show.
 */
export async function wrongViews(world: World, lateMs: number): Promise<string[]> {
  const { clock, bus } = world;
  const completeByMs = clock.nowMs() + lateMs;
  let views = await wrongNow(world);
  for (let leftMs = viewMs; views.length > 0 && leftMs > 0; ) {
    const complete = await clock.settle(bus.mesh.get(keys.complete));
    if (complete?.text !== undefined || clock.nowMs() >= completeByMs) leftMs -= lookEveryMs;
    await clock.settle(Promise.resolve(), lookEveryMs);
    views = await wrongNow(world);
  }
  return views;
}

async function wrongNow(world: World): Promise<string[]> {
  if (world.consoles.length === 0) return [];
  const settled = <T>(work: Promise<T>) => world.clock.settle(work);
  const revision = await settled(world.bus.mesh.lastRevision());
  const epoch = await settled(world.bus.epoch());
  const running = new Set(world.nodes.filter(({ life }) => life).map(({ machine }) => machine.node));
  const wrong: string[] = [];
  for (const console of world.consoles) {
    const view = await settled(console.view());
    if (!view) wrong.push(`${console.name} shows nothing`);
    else wrong.push(...wrongIn(view, epoch, revision, running).map((what) => `${console.name} shows ${what}`));
  }
  return wrong;
}

function wrongIn(view: View, epoch: string | undefined, revision: number, running: ReadonlySet<string>): string[] {
  const behind = view.nodes.filter(
    ({ id, state, applied }) => state === 'ready' && running.has(id) && applied !== revision,
  );
  return [
    ...(view.epoch === epoch && view.revision === revision
      ? []
      : [`revision ${view.revision} of ${view.epoch}, where ${revision} of ${epoch} is the last`]),
    ...behind.map(({ name, applied }) => `${name} at revision ${applied}, where ${revision} is the last`),
  ];
}
