import { entriesOf } from './kernel-lines.ts';
import { answers, ingressOf } from './oracle/tables.ts';
import type { World } from './world.ts';

/** A lost machine's beats are missed three times, its peers are asked, and the rules are changed, at a fifth of the pace. */
const lossMsMax = 6_000;

/**
 * One more loss of power, from a quiet world that has sentinels: what still leads to the lost machine's tasks when a sentinel
 * must have noticed. Docker is not to notice before it.
 */
export async function wrongAfterLoss(world: World): Promise<string[]> {
  const node = world.nodes.findLast(({ life }) => life);
  if (world.sentinels.length === 0 || !node) return [];
  const { machine } = node;
  const { store } = world.swarm;
  const lost = new Set(
    store
      .all('tasks')
      .filter((task) => task.NodeID === machine.node && answers(world, task))
      .flatMap(({ NetworksAttachments }) => NetworksAttachments)
      .map(({ Network, Addresses }) => `${sandboxOf(Network.ID)} ${Addresses[0]?.text}`),
  );
  world.swarm.judges = false;
  world.say('story', `${machine.name} loses its power at last`);
  node.life?.die();
  machine.powerOff();
  await world.clock.settle(Promise.resolve(), lossMsMax);
  return world.machines.flatMap((other) =>
    other.powered ? entriesOf(other.kernel, other.networks).flatMap((entry) => leadingTo(entry, other.name)) : [],
  );

  function sandboxOf(network: string): string {
    return network === ingressOf(world) ? 'ingress' : `lb_${network.slice(0, 9)}`;
  }

  function leadingTo({ namespace, place, targets }: ReturnType<typeof entriesOf>[number], name: string): string[] {
    return targets
      .filter((target) => lost.has(`${namespace} ${target.split(':')[0]}`))
      .map(
        (target) =>
          `${name} leads ${namespace} ${place} to ${target}, ${lossMsMax} ms after ${machine.name} lost its power`,
      );
  }
}
