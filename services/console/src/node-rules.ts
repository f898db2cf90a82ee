import { type Bus, readKernelTables, writeQuestion } from '@fairway/bus';
import { type Mesh, type NodeRules, sandboxOf } from '@fairway/mesh';
import { askNode, nodeNamed } from './ask-node.ts';

/** What is in a node's kernel now, by the node itself. @throws {NodeUnanswered} */
export async function nodeRules(bus: Bus, mesh: Mesh, nameOrId: string): Promise<NodeRules> {
  const node = nodeNamed(mesh, nameOrId);
  const networks = new Map([...mesh.networks.values()].map((network) => [sandboxOf(network), network.name] as const));
  const tables = await askNode(bus, node, 'rules', writeQuestion(), readKernelTables);
  return {
    node: node.name,
    tables: tables.map((table) => {
      const network = networks.get(table.namespace);
      return network === undefined ? table : { ...table, network };
    }),
  };
}
