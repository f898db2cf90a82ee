import { type Outlook, outlookEveryMs, readOutlook, subjects } from '@fairway/bus';
import { entriesOf } from './kernel-lines.ts';
import { answers, ingressOf } from './oracle/tables.ts';
import type { World } from './world.ts';

/** A lost machine's beats are missed three times, its peers are asked, and the rules are changed, at a fifth of the pace. */
const lossMsMax = 6_000;
/** A listing is looked at again every 2 s, and a sentinel says every second how far it sees. */
const settlingMs = 5_000;

/**
 * One more loss of power, from a quiet world that has sentinels: what still leads to the lost machine's tasks when a sentinel
 * must have noticed. Docker is not to notice before it. A node's listing counts when all that was published before it is
 * folded in, which may be late by so much: until then the node is not watched, as the sentinels say themselves.
 */
export async function wrongAfterLoss(world: World, lateMs: number): Promise<string[]> {
  const node = world.nodes.findLast(({ life }) => life);
  if (world.sentinels.length === 0 || !node) return [];
  const unwatched = await unwatchedAfter(world, lateMs);
  if (unwatched.length > 0) return unwatched;
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

/** What the sentinels say that they lack, where it is so long until they hear all nodes that run. */
async function unwatchedAfter(world: World, lateMs: number): Promise<string[]> {
  const running = world.nodes.filter(({ life }) => life).length;
  const said: Outlook[] = [];
  const hearing = world.bus.another().subscribe(subjects.outlook('*'), (message) => said.push(readOutlook(message)));
  let lacking: string[];
  const limitMs = world.clock.nowMs() + lateMs + settlingMs;
  do {
    said.length = 0;
    await world.clock.settle(Promise.resolve(), outlookEveryMs + 1);
    lacking = said
      .filter(({ expected, unheard }) => expected < running || unheard.length > 0)
      .map(({ expected, unheard }) => `a sentinel hears ${expected - unheard.length} of ${running} nodes`);
    if (said.length < world.sentinels.length) lacking.push('a sentinel says nothing');
  } while (lacking.length > 0 && world.clock.nowMs() < limitMs);
  await hearing.stop();
  return lacking;
}
