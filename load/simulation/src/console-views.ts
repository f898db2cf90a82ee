import type { View } from '@fairway/mesh';
import type { World } from './world.ts';

/** What consoles show that is not so, once all is quiet: each the whole mesh, applied by every node that runs. */
export async function wrongViews(world: World): Promise<string[]> {
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
