import type { Scenario } from '../scenario.ts';
import { type Stage, steady } from '../stage.ts';

export const nodeJoinsAndLeaves: Scenario = {
  name: 'node-joins-and-leaves',
  says: 'a node joins, is drained and leaves, and the same machine joins under a new id',
  of: 'swarm',
  async happen(stage) {
    for (const turn of ['a node joins', 'it joins again under a new id']) {
      stage.strike(turn);
      const node = await stage.cluster.addNode();
      await stage.docker('service', 'scale', '--detach', `${steady.name}=${steady.replicas * 2}`);
      await stage.until(`tasks on ${node.name}`, async () => (await hasTasks(stage, node.name)) || 'it has none yet');
      stage.strike(`${node.name} is drained, and leaves`);
      await stage.docker('node', 'update', '--availability', 'drain', node.name);
      await stage.until(
        `${node.name} to be drained`,
        async () => !(await hasTasks(stage, node.name)) || 'it has tasks',
      );
      await stage.cluster.removeNode(node.name);
      await stage.docker('service', 'scale', '--detach', `${steady.name}=${steady.replicas}`);
    }
  },
};

/** Whether a task of the service runs there, be it one that is to end. */
async function hasTasks(stage: Stage, node: string): Promise<boolean> {
  const listed = await stage.docker('node', 'ps', '--format', '{{.CurrentState}}', node);
  return listed.split('\n').some((state) => state.startsWith('Running'));
}
