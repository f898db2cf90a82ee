import type { Cluster } from '@fairway/cluster';
import { tablesOf, wrongLines } from '@fairway/simulation/oracle';
import { dockerTruth } from './docker-truth.ts';
import { kernelLines } from './kernel-lines.ts';

/** Where nodes' rules differ from what the oracle makes of Docker's listing. */
export async function wrongRules(cluster: Cluster): Promise<string[]> {
  const { nodes, manager } = cluster;
  const truth = await dockerTruth(manager, nodes);
  const wrong = await Promise.all(
    nodes.map(async (node) => {
      const machine = truth.machines.find((one) => one.node === node.swarmNodeId);
      if (!machine) return [`${node.name} is in no swarm`];
      return wrongLines(node.name, tablesOf(truth, machine), await kernelLines(node, machine.sandboxes));
    }),
  );
  return wrong.flat();
}
