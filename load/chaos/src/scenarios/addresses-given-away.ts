import type { Scenario } from '../scenario.ts';
import { restless, type Stage, steady } from '../stage.ts';

/** So often the other service is scaled up and down until its tasks have come round to an address. */
const roundsMax = 12;

export const addressesGivenAway: Scenario = {
  name: 'addresses-given-away',
  says: 'a worker loses its power, and boots when its tasks’ addresses are those of others',
  async happen(stage) {
    const node = stage.worker();
    const before = await addressesOn(stage, node.swarmNodeId);
    await stage.without(node, async () => {
      stage.strike(`${node.name} loses its power`, 1_500);
      await stage.cluster.cutPower(node.name);
      await stage.until(`Docker to call ${node.name} down`, async () => {
        const state = (await stage.docker('node', 'inspect', '--format', '{{.Status.State}}', node.name)).trim();
        return state === 'down' || `it is ${state}`;
      });
      // Docker hands addresses out one after the other, and has a task's back when it forgets the task.
      for (let round = 0; round < roundsMax && !(await isGivenAway(stage, node.swarmNodeId, before)); round++) {
        await stage.docker('service', 'scale', `${restless.name}=0`);
        await stage.docker('service', 'scale', `${restless.name}=${restless.replicas * 4}`);
      }
      const given = await isGivenAway(stage, node.swarmNodeId, before);
      stage.strike(
        `${node.name} has its power again; ${given ? 'an address of its tasks is another’s' : 'its tasks’ addresses are free'}`,
      );
      await stage.cluster.restorePower(node.name);
    });
    await stage.docker('service', 'scale', '--detach', `${restless.name}=${restless.replicas}`);
  },
};

type Task = {
  readonly NodeID: string;
  readonly NetworksAttachments?: readonly { readonly Addresses?: readonly string[] }[];
};

async function tasksOf(stage: Stage): Promise<readonly Task[]> {
  const filters = encodeURIComponent(
    JSON.stringify({ 'desired-state': ['running'], service: [steady.name, restless.name] }),
  );
  return (await stage.cluster.manager.engine.get(`/tasks?filters=${filters}`)) as readonly Task[];
}

const addressesOf = ({ NetworksAttachments = [] }: Task) =>
  NetworksAttachments.flatMap(({ Addresses = [] }) => Addresses);

async function addressesOn(stage: Stage, node: string): Promise<ReadonlySet<string>> {
  return new Set((await tasksOf(stage)).filter(({ NodeID }) => NodeID === node).flatMap(addressesOf));
}

async function isGivenAway(stage: Stage, node: string, before: ReadonlySet<string>): Promise<boolean> {
  const others = (await tasksOf(stage)).filter(({ NodeID }) => NodeID !== node).flatMap(addressesOf);
  return others.some((address) => before.has(address));
}
