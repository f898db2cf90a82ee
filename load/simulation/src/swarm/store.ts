import {
  type EngineNetwork,
  type EngineNode,
  type EngineService,
  type EngineTask,
  noObjects,
  type SwarmObjects,
  type TaskState,
} from '@fairway/watcher';

type Kind = keyof SwarmObjects;
type ObjectOf = { services: EngineService; tasks: EngineTask; nodes: EngineNode; networks: EngineNetwork };

/** Swarm's states of a task that has ended come after `running` in its own order. */
const endedStates: readonly TaskState[] = ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'];

/** Whether a task in this state, or with this wish, has ended or is to end. */
export function isPast(state: TaskState): boolean {
  return endedStates.includes(state);
}

/** What the managers hold in common: the objects of the swarm, each write with the next `Version.Index`. */
export class SwarmStore {
  readonly objects = noObjects();
  #index = 10;

  all<K extends Kind>(kind: K): ObjectOf[K][] {
    // The stand-in for Docker can hold what does not fit its schema; nothing here is so.
    return [...this.objects[kind].values()] as unknown as ObjectOf[K][];
  }

  get<K extends Kind>(kind: K, id: string): ObjectOf[K] | undefined {
    return this.objects[kind].get(id) as ObjectOf[K] | undefined;
  }

  tasksOf(service: string): EngineTask[] {
    return this.all('tasks').filter((task) => task.ServiceID === service);
  }

  putService(service: Omit<EngineService, 'Version'>): void {
    this.objects.services.set(service.ID, { ...service, Version: this.#next() });
  }

  putTask(task: Omit<EngineTask, 'Version'>): void {
    this.objects.tasks.set(task.ID, { ...task, Version: this.#next() });
  }

  putNode(node: Omit<EngineNode, 'Version'>): void {
    this.objects.nodes.set(node.ID, { ...node, Version: this.#next() });
  }

  putNetwork(network: EngineNetwork): void {
    this.#next();
    this.objects.networks.set(network.Id, network);
  }

  delete(kind: Kind, id: string): void {
    this.#next();
    this.objects[kind].delete(id);
  }

  /** What there is now, to be put back later: with the indexes of then, and the next ones after those. */
  backup(): () => void {
    const kept = { index: this.#index, objects: copyOf(this.objects) };
    return () => {
      this.#index = kept.index;
      for (const kind of ['services', 'tasks', 'nodes', 'networks'] as const) {
        const held: Map<string, unknown> = this.objects[kind];
        held.clear();
        for (const [id, object] of kept.objects[kind]) held.set(id, object);
      }
    };
  }

  #next(): { Index: number } {
    this.#index += 1;
    return { Index: this.#index };
  }
}

/** Objects are replaced and never changed, so the maps are all that has to be copied. */
function copyOf({ services, tasks, nodes, networks }: SwarmObjects): SwarmObjects {
  return { services: new Map(services), tasks: new Map(tasks), nodes: new Map(nodes), networks: new Map(networks) };
}
