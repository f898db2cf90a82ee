import { type Bus, readServiceInDocker, writeQuestion } from '@fairway/bus';
import type { Mesh, ServiceInDocker } from '@fairway/mesh';
import { askNode, NodeUnanswered } from './ask-node.ts';

/** The managers of a mesh, each of which knows what the others do. */
export class Managers {
  readonly #bus: Bus;
  /** Who answered last: one that hangs is waited for once. */
  #last: string | undefined;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /**
   * What a manager's Docker has of a service, by its id; undefined where it has none. Those that are ready are asked one after
   * the other until one answers.
   * @throws {NodeUnanswered} as the last one; 503 where there is none
   */
  async inDocker(service: string, mesh: Mesh): Promise<ServiceInDocker | undefined> {
    let failure: unknown = new NodeUnanswered(503, 'no manager that is ready is known');
    for (const node of this.#ready(mesh)) {
      try {
        const found = await askNode(this.#bus, node, 'service', writeQuestion(service), readServiceInDocker);
        this.#last = node.id;
        return found;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #ready({ nodes }: Mesh): { readonly id: string; readonly name: string }[] {
    const ready = [...nodes.values()].flatMap(({ claim, removedMs }) =>
      removedMs === undefined && claim?.role === 'manager' && claim.state === 'ready' ? [claim] : [],
    );
    return ready.sort((a, b) => Number(b.id === this.#last) - Number(a.id === this.#last));
  }
}
