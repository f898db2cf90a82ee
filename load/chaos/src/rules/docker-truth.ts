import type { ClusterNode } from '@fairway/cluster';
import type { TrueMachine, Truth } from '@fairway/simulation/oracle';
import { SwarmStore } from '@fairway/simulation/store';
import { connectDocker, type EngineContainer } from '@fairway/watcher';

/** What the manager's Docker lists of the swarm, and each machine's of itself, as the simulation's oracle reads it. */
export async function dockerTruth(manager: ClusterNode, nodes: readonly ClusterNode[]): Promise<Truth> {
  const docker = connectDocker({ socket: manager.socket });
  const store = new SwarmStore();
  const [networks, members, services, tasks] = await Promise.all([
    docker.listNetworks(),
    docker.listNodes(),
    docker.listServices(),
    docker.listTasks(),
  ]);
  for (const network of networks.fit) store.putNetwork(network);
  for (const node of members.fit) store.putNode(node);
  for (const service of services.fit) store.putService(service);
  for (const task of tasks.fit) store.putTask(task);
  return { swarm: { store }, machines: await Promise.all(nodes.map(machineOf)) };
}

async function machineOf(node: ClusterNode): Promise<TrueMachine> {
  const docker = connectDocker({ socket: node.socket });
  const [gateway, { fit }, files] = await Promise.all([
    docker.ingressGateway(),
    docker.listContainers(),
    node.exec(['ls', node.netnsDir]),
  ]);
  const containers = new Map<string, EngineContainer>();
  for (const { Id } of fit) {
    const container = await docker.inspectContainer(Id);
    if (container) containers.set(container.Config.Labels['com.docker.swarm.task.id'], container);
  }
  return {
    node: node.swarmNodeId,
    docker: { gateway },
    sandboxes: files.stdout.split('\n').filter((file) => file.startsWith('lb_')),
    containerOf: (task) => containers.get(task),
  };
}
