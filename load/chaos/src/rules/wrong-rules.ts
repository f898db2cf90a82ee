import type { Cluster } from '@fairway/cluster';
import { tablesOf } from '@fairway/simulation/oracle';
import { dockerTruth } from './docker-truth.ts';
import { kernelLines } from './kernel-lines.ts';

/** Where nodes' rules differ from what the oracle makes of Docker's listing: `node1 lacks host tcp 8000 > …`. */
export async function wrongRules(cluster: Cluster): Promise<string[]> {
  const { nodes, manager } = cluster;
  const truth = await dockerTruth(manager, nodes);
  const wrong = await Promise.all(
    nodes.map(async (node) => {
      const machine = truth.machines.find((one) => one.node === node.swarmNodeId);
      if (!machine) return [`${node.name} is in no swarm`];
      const wanted = tablesOf(truth, machine);
      const found = await kernelLines(node, machine.sandboxes);
      return [
        ...wanted.filter((line) => !found.includes(line)).map((line) => `${node.name} lacks ${line}`),
        ...found.filter((line) => !wanted.includes(line)).map((line) => `${node.name} has ${line}`),
      ];
    }),
  );
  return wrong.flat();
}
