import { addressOn, answers, ingressOf } from '../oracle/tables.ts';
import type { World } from '../world.ts';

/** Docker as it is simulated. */
export type Simulated = Pick<World, 'swarm' | 'machines'>;

/** A healthy task, and since when it is that. */
type Healthy = { readonly task: string; readonly sinceMs: number };

/** What Docker says of one entry of a table: whose it is, and which targets are healthy tasks'. */
export type TrueEntry = {
  readonly service: string;
  readonly sinceMs: number;
  readonly healthy: ReadonlyMap<string, Healthy>;
};

/**
 * Since when Docker says what it says. Looked at so often that what came and went in between was too short for anybody
 * to act upon.
 */
export class TruthSince {
  readonly #truth: Simulated;
  /** By namespace and place: `ingress tcp 8000`, `lb_net100000 10.0.1.2`. */
  #entries = new Map<string, TrueEntry>();

  constructor(truth: Simulated) {
    this.#truth = truth;
  }

  entry(namespace: string, place: string): TrueEntry | undefined {
    return this.#entries.get(`${namespace} ${place}`);
  }

  /** Nothing is known since long: what was true before counts for nothing. */
  forget(): void {
    this.#entries.clear();
  }

  look(nowMs: number): void {
    const before = this.#entries;
    this.#entries = new Map();
    for (const service of this.#truth.swarm.store.all('services')) {
      if (service.Spec.EndpointSpec?.Mode === 'dnsrr') continue;
      for (const { Protocol, PublishedPort, TargetPort } of service.Endpoint.Ports) {
        const tasks = this.#healthy(service.ID, ingressOf(this.#truth));
        const targets = new Map([...tasks].map(([address, task]) => [`${address}:${TargetPort}`, task]));
        this.#keep(before, `ingress ${Protocol} ${PublishedPort}`, service.ID, targets, nowMs);
        this.#keep(before, `host ${Protocol} ${PublishedPort}`, service.ID, new Map(), nowMs);
      }
      for (const { NetworkID, Addr } of service.Endpoint.VirtualIPs) {
        const key = `lb_${NetworkID.slice(0, 9)} ${Addr?.text}`;
        this.#keep(before, key, service.ID, this.#healthy(service.ID, NetworkID), nowMs);
      }
    }
  }

  #keep(
    entries: ReadonlyMap<string, TrueEntry>,
    key: string,
    service: string,
    targets: ReadonlyMap<string, string>,
    nowMs: number,
  ): void {
    const held = entries.get(key);
    const before = held?.service === service ? held : undefined;
    const healthy = new Map(
      [...targets].map(([target, task]) => {
        const known = before?.healthy.get(target);
        // Another task that was given the address is another one to all who send to it.
        return [target, known?.task === task ? known : { task, sinceMs: nowMs }] as const;
      }),
    );
    this.#entries.set(key, { service, sinceMs: before?.sinceMs ?? nowMs, healthy });
  }

  /** By address, the task. */
  #healthy(service: string, network: string): Map<string, string> {
    const { store } = this.#truth.swarm;
    const well = store
      .tasksOf(service)
      .filter((task) => answers(this.#truth, task) && !this.#isSignalled(task.ID) && this.#isLinked(task.NodeID));
    return new Map(
      well.flatMap((task) => {
        const address = addressOn(task, network);
        return address === undefined ? [] : [[address, task.ID] as const];
      }),
    );
  }

  /** Docker calls a machine that nobody reaches ready for some seconds more, or for ever where the managers still do. */
  #isLinked(node: string): boolean {
    const { machines } = this.#truth;
    return machines.some(
      (machine) =>
        machine.node === node &&
        machine.linked &&
        (machine.unreached.size === 0 ||
          machines.some(
            (other) =>
              other !== machine && other.powered && other.linked && other.daemon && !machine.unreached.has(other),
          )),
    );
  }

  /** A container that survived a signal is taken for one that is being stopped for half a minute. */
  #isSignalled(task: string): boolean {
    return this.#truth.machines.some(({ signalled }) => [...signalled].some((id) => id.includes(`-${task}-`)));
  }
}
