import { endpointStates, type View } from '@fairway/mesh';
import { Gauge, type Registry } from 'prom-client';

const nodeStates = ['ready', 'down', 'disconnected', 'unknown', 'lost'] as const;

/** How the mesh is, as `fairway status` shows it, for Prometheus. */
export class MeshGauges {
  readonly #nodes: Gauge<'state'>;
  readonly #endpoints: Gauge<'state'>;
  readonly #single: ReadonlyMap<keyof typeof singles, Gauge>;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['state'] as const;
    this.#nodes = new Gauge({
      name: 'fairway_nodes',
      help: 'Nodes by what Docker calls them; lost where sentinels took one down that Docker calls ready.',
      ...{ labelNames, registers },
    });
    this.#endpoints = new Gauge({
      name: 'fairway_endpoints',
      help: 'Tasks of services by state, as nodes that do not run them see them.',
      ...{ labelNames, registers },
    });
    this.#single = new Map(
      (Object.keys(singles) as (keyof typeof singles)[]).map((name) => [
        name,
        new Gauge({ name, help: singles[name].help, registers }),
      ]),
    );
  }

  show(view: View): void {
    const nodes = view.nodes.map(({ state, lost }) => (state === 'ready' && lost !== undefined ? 'lost' : state));
    for (const state of nodeStates) this.#nodes.set({ state }, nodes.filter((one) => one === state).length);
    const endpoints = view.services.flatMap((service) => service.endpoints);
    for (const state of endpointStates)
      this.#endpoints.set({ state }, endpoints.filter((endpoint) => endpoint.state === state).length);
    for (const [name, gauge] of this.#single) gauge.set(singles[name].of(view));
  }
}

function isReady({ state, lost }: View['nodes'][number]): boolean {
  return state === 'ready' && lost === undefined;
}

const singles = {
  fairway_converged: {
    help: '1 where every node has applied the mesh as it is, nothing is waited for and nothing is wrong.',
    of: ({ converged }: View) => Number(converged),
  },
  fairway_awaited: { help: 'How much is waited for, and comes by itself.', of: ({ pending }: View) => pending.length },
  fairway_problems: { help: 'How much somebody has to change.', of: ({ problems }: View) => problems.length },
  fairway_services: { help: 'Services that the mesh has.', of: ({ services }: View) => services.length },
  fairway_dead_letters: {
    help: 'Messages of the last days that could not be read, and were put aside with their reasons.',
    of: ({ putAside }: View) => putAside,
  },
  fairway_mesh_revision: { help: "The mesh's revision.", of: ({ revision }: View) => revision },
  fairway_revisions_behind: {
    help: 'How many revisions the slowest node that is ready is behind the mesh; of those that have said anything in this epoch.',
    of: ({ nodes, revision }: View) =>
      Math.max(0, ...nodes.filter(isReady).map(({ applied = revision }) => revision - applied)),
  },
  fairway_nodes_unheard: {
    help: 'Nodes that are ready, and have said nothing in this epoch.',
    of: ({ nodes }: View) => nodes.filter((node) => isReady(node) && node.applied === undefined).length,
  },
} as const;
