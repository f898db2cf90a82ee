import type { ClusterNode } from '@fairway/cluster';
import { addressOn, type TrueMachine, type Truth } from '@fairway/simulation/oracle';
import { SwarmStore } from '@fairway/simulation/store';
import { connectDocker, type EngineContainer, type EngineTask } from '@fairway/watcher';
import { type OverlayWays, overlayWays } from './overlay-ways.ts';

/**
 * What the manager's Docker lists of the swarm, and each machine's of itself, as the simulation's oracle reads it; and what
 * its gossip made of their overlays, which after a cut may take it minutes to mend.
 */
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
  const machines = await Promise.all(nodes.map(machineOf));
  const ingress = networks.fit.find(({ Ingress }) => Ingress)?.Id;
  const reaches = (machine: Machine, task: EngineTask, network: string) => {
    const other = machines.find(({ node }) => node === task.NodeID);
    if (!other || other === machine) return true;
    const sandbox = network === ingress ? 'ingress_sbox' : `lb_${network.slice(0, 9)}`;
    const own = machine.ways.from.get(sandbox) ?? [];
    return machine.ways.to.has(addressOn(task, network) ?? '') && own.some((address) => other.ways.to.has(address));
  };
  return {
    swarm: { store },
    machines: machines.map((machine) => ({
      ...machine,
      reaches: (task: EngineTask, network: string) => reaches(machine, task, network),
    })),
  };
}

/** As its own Docker has it, and its overlays. */
type Machine = TrueMachine & { readonly ways: OverlayWays };

async function machineOf(node: ClusterNode): Promise<Machine> {
  const docker = connectDocker({ socket: node.socket });
  const [gateway, { fit }, files] = await Promise.all([
    docker.ingressGateway(),
    docker.listContainers(),
    // Docker 20.10 unmounts a sandbox that it ends, and removes its file within a minute (libnetwork osl/namespace_linux.go,
    // `gpmCleanupPeriod`): until then it is an empty one on another file system.
    node.exec(`cd ${node.netnsDir} && stat -f -c '%T %n' lb_*`),
  ]);
  const containers = new Map<string, EngineContainer>();
  for (const { Id } of fit) {
    const container = await docker.inspectContainer(Id);
    if (container) containers.set(container.Config.Labels['com.docker.swarm.task.id'], container);
  }
  const sandboxes = [...files.stdout.matchAll(/^nsfs (lb_\S+)$/gm)].map(([, file = '']) => file);
  return {
    node: node.swarmNodeId,
    docker: { gateway },
    sandboxes,
    ways: await overlayWays(node, sandboxes),
    containerOf: (task) => containers.get(task),
  };
}
