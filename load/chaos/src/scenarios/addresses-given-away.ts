import type { ClusterNode } from '@fairway/cluster';
import type { Scenario } from '../scenario.ts';
import { network, restless, type Stage } from '../stage.ts';

/**
 * So many tasks come and go in each round; the network has 30 addresses, which Docker gives out one after the other. More at
 * once would take the processors from the requests.
 */
const tasksAtOnce = 4;
const roundsMax = 12;

export const addressesGivenAway: Scenario = {
  name: 'addresses-given-away',
  says: 'a worker loses its power, is forgotten, and boots and joins anew when its tasks’ addresses are those of others',
  of: 'swarm',
  async happen(stage) {
    const node = stage.worker();
    const before = await addressesToGive(stage, node);
    await stage.without(node, async () => {
      stage.strike(`${node.name} loses its power`, 1_500);
      await stage.cluster.cutPower(node.name);
      await stage.until(`Docker to call ${node.name} down`, async () => {
        const state = (await stage.docker('node', 'inspect', '--format', '{{.Status.State}}', node.name)).trim();
        return state === 'down' || `it is ${state}`;
      });
      // Docker 20.10 keeps the addresses of a node that is down for it.
      stage.strike(`the swarm forgets ${node.name}`);
      await stage.cluster.forgetNode(node.name);
      await giveAway(stage, before);
      stage.strike(`${node.name} has its power again, and joins under a new id`);
      await stage.cluster.rejoin(node.name);
    });
    await scale(stage, restless.replicas);
  },
};

/**
 * Those of the node's tasks, of which it has some at the latest when it is the one that has none: one that was away before has
 * lost its tasks to the others.
 */
async function addressesToGive(stage: Stage, node: ClusterNode): Promise<ReadonlySet<string>> {
  for (let round = 1; round < roundsMax; round += 1) {
    const addresses = await addressesOn(stage, node);
    if (addresses.size > 0) return addresses;
    await scale(stage, restless.replicas + round);
  }
  throw new Error(`${node.name} gets no task`);
}

/** Until another task has one of the addresses, replaces those of the other service. */
async function giveAway(stage: Stage, addresses: ReadonlySet<string>): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    await scale(stage, 0);
    await scale(stage, tasksAtOnce);
    const given = (await tasksOn(stage)).flatMap(addressesOf).filter((address) => addresses.has(address));
    if (given.length > 0) return stage.strike(`${given.join(', ')} is another task's now`);
  }
  throw new Error(`none of ${[...addresses].join(', ')} was given away`);
}

async function scale(stage: Stage, replicas: number): Promise<void> {
  await stage.docker('service', 'scale', `${restless.name}=${replicas}`);
}

type Task = {
  readonly NodeID: string;
  readonly NetworksAttachments?: readonly {
    readonly Network: { readonly Spec: { readonly Name: string } };
    readonly Addresses?: readonly string[];
  }[];
};

async function tasksOn(stage: Stage): Promise<readonly Task[]> {
  const filters = encodeURIComponent(JSON.stringify({ 'desired-state': ['running'] }));
  return (await stage.cluster.manager.engine.get(`/tasks?filters=${filters}`)) as readonly Task[];
}

/** Without the length of their prefix. */
function addressesOf({ NetworksAttachments = [] }: Task): readonly string[] {
  const onNetwork = NetworksAttachments.filter(({ Network }) => Network.Spec.Name === network);
  return onNetwork.flatMap(({ Addresses = [] }) => Addresses).map((address) => address.split('/')[0] ?? '');
}

async function addressesOn(stage: Stage, { swarmNodeId }: ClusterNode): Promise<ReadonlySet<string>> {
  return new Set((await tasksOn(stage)).filter(({ NodeID }) => NodeID === swarmNodeId).flatMap(addressesOf));
}
