import { type BucketEntry, keys } from '@fairway/bus';
import type { EngineTask } from '@fairway/watcher';
import { type Entry, entriesOf } from '../kernel-lines.ts';
import { addressOn, ingressOf } from '../oracle/tables.ts';
import type { Machine } from '../swarm/machine.ts';
import { type Simulated, TruthSince } from './truth-since.ts';
import { Unrest } from './unrest.ts';
import { Writes } from './writes.ts';

/** So long what Docker says takes to be known everywhere, where nothing is in its way. */
const knownMs = 10_000;
/** So long a rule may lead to an address that was given to another task, where nothing is in the way of that being known. */
const strayMsMax = 2_000;

/** What others do to a kernel is found by then, also where its executor begins to work again meanwhile. */
const foundMsMax = 60_000;

/**
 * What must hold at every step of a run, whatever happens:
 *
 * - No rule is removed by an executor that has no complete mesh, and no task dropped but one of its own that runs no more.
 * - No port, virtual IP or task is dropped that Docker has said is there and healthy for so long that everybody knew it
 *   before the present unrest began: nothing that is on its way can say otherwise. But for what a node's own overlay lost.
 * - No rule leads to a task whose process is told to end, where others of its service answer.
 * - No rule leads for long to an address whose owner is a task of another service.
 * - No write to the mesh says the same as the one before, and one fact makes one write.
 * - No node says that others changed its kernel where nobody did.
 */
export class Invariants {
  readonly #truth: Simulated;
  readonly #since: TruthSince;
  readonly #unrest = new Unrest();
  readonly #nowMs: () => number;
  readonly #broken: (what: string) => void;
  /** Since when a rule leads astray: `n1 ingress tcp 8000 > 10.0.0.5:80`. */
  #astray = new Map<string, number>();
  readonly #writes: Writes;
  /** When somebody changed a kernel last, or Docker made a sandbox anew, by where: `n1 ingress`. */
  readonly #tampered = new Map<string, number>();
  /** Whether the mesh has had a whole listing since it began: until then nodes go on with what they had. */
  #isComplete = false;

  constructor(truth: Simulated, nowMs: () => number, broken: (what: string) => void) {
    this.#truth = truth;
    this.#since = new TruthSince(truth);
    this.#nowMs = nowMs;
    this.#broken = broken;
    this.#writes = new Writes(broken);
  }

  /** What is known may be older than what is true from now on, until so long and until that has been made up for. */
  unrest(untilMs: number): void {
    this.#unrest.until(this.#nowMs(), untilMs + knownMs);
  }

  /** What is true was changed without anybody being told, or what was known was forgotten. */
  startAnew(untilMs: number): void {
    this.#since.forget();
    this.#writes.forget();
    this.unrest(untilMs);
  }

  /** To be called every second or so, of simulated time. */
  look(): void {
    const nowMs = this.#nowMs();
    if (!this.#isComplete) this.unrest(nowMs);
    this.#since.look(nowMs);
    const before = this.#astray;
    this.#astray = new Map();
    for (const machine of this.#truth.machines) {
      if (machine.powered) for (const rule of this.#strays(machine)) this.#astray.set(rule, before.get(rule) ?? nowMs);
    }
    for (const [rule, sinceMs] of this.#astray) {
      const waitedMs = nowMs - Math.max(sinceMs, this.#unrest.endMs);
      if (waitedMs > strayMsMax) this.#broken(`${rule} has led to a task of another service for ${waitedMs} ms`);
    }
  }

  /** An executor changed what a kernel has. */
  applied(machine: Machine, before: readonly Entry[], after: readonly Entry[], complete: boolean): void {
    if (before.length > 0) this.#since.look(this.#nowMs());
    for (const entry of before) {
      const then = after.find(({ namespace, place }) => namespace === entry.namespace && place === entry.place);
      if (!then) this.#removed(machine, entry, complete);
      else if (entry.namespace !== 'host') {
        for (const target of entry.targets)
          if (!then.targets.includes(target)) this.#dropped(machine, entry, target, complete);
      }
    }
  }

  /** A task's process is told to end, which is to be known since then: nobody is sent to it any more, if others are there. */
  signalled(task: EngineTask, sinceMs: number): void {
    const nowMs = this.#nowMs();
    if (this.#unrest.endMs >= sinceMs) return;
    this.#since.look(nowMs);
    const networkOf = this.#networksOfSandboxes();
    for (const machine of this.#truth.machines) {
      if (!machine.powered || machine.lost.some(({ untilMs }) => nowMs < untilMs + knownMs)) continue;
      for (const { namespace, place, targets } of entriesOf(machine.kernel, machine.networks)) {
        const entry = this.#since.entry(namespace, place);
        if (namespace === 'host' || entry?.service !== task.ServiceID) continue;
        const address = addressOn(task, networkOf(namespace));
        const others = [...entry.healthy].filter(
          ([target, healthy]) => !isAt(target, address) && healthy.sinceMs + knownMs < sinceMs,
        );
        if (others.length > 0 && targets.some((target) => isAt(target, address)))
          this.#broken(`${machine.name} ${namespace} ${place} leads to ${task.ID}, which is to end since ${sinceMs}`);
      }
    }
  }

  /** An entry of the mesh was written. */
  written(entry: BucketEntry): void {
    this.#writes.look(entry);
    if (entry.key !== keys.complete || entry.text === undefined || this.#isComplete) return;
    this.unrest(this.#nowMs());
    this.#isComplete = true;
  }

  /** Somebody changes what a kernel has, or Docker makes a sandbox anew. */
  tampered(machine: Machine, namespace: string): void {
    this.#tampered.set(`${machine.name} ${namespace}`, this.#nowMs());
  }

  /** A node says that others changed what its kernel has. */
  drifted(node: string, namespace: string, found: readonly string[]): void {
    const machine = this.#truth.machines.find((one) => one.node === node);
    if (!machine) return;
    const agoMs = this.#nowMs() - (this.#tampered.get(`${machine.name} ${namespace}`) ?? Number.NEGATIVE_INFINITY);
    if (agoMs > foundMsMax)
      this.#broken(`${machine.name} found ${namespace} changed, which nobody did: ${found.join('; ')}`);
  }

  /** The bucket begins anew: what is written now was not there before. */
  begun(): void {
    this.#writes.forget();
    this.#isComplete = false;
  }

  #removed(machine: Machine, { namespace, place }: Entry, complete: boolean): void {
    const rule = `${machine.name} removed ${namespace} ${place}`;
    if (!complete) this.#broken(`${rule} while its mesh is not complete`);
    const entry = this.#since.entry(namespace, place);
    if (entry && this.#isKnown(entry.sinceMs)) this.#broken(`${rule}, which ${entry.service} has had since long`);
  }

  #dropped(machine: Machine, { namespace, place }: Entry, target: string, complete: boolean): void {
    const rule = `${machine.name} dropped ${target} from ${namespace} ${place}`;
    if (!complete && !this.#isOwnAndPast(machine, namespace, target))
      this.#broken(`${rule} while its mesh is not complete`);
    const sinceMs = this.#since.entry(namespace, place)?.healthy.get(target)?.sinceMs;
    if (sinceMs !== undefined && this.#isKnown(sinceMs) && !this.#isLost(machine, target))
      this.#broken(`${rule}, which Docker calls healthy since ${sinceMs}`);
  }

  /** Whether tasks of the machine itself have had the address, and nobody's that has it runs: its own Docker is the word on these. */
  #isOwnAndPast(machine: Machine, namespace: string, target: string): boolean {
    const network = this.#networksOfSandboxes()(namespace);
    const own = this.#truth.swarm.store
      .all('tasks')
      .filter((task) => task.NodeID === machine.node && isAt(target, addressOn(task, network)));
    return own.length > 0 && this.#ownersOf(network, target.split(':')[0] ?? '').length === 0;
  }

  /** Whether the machine may still be acting on what its overlay lost. */
  #isLost({ lost }: Machine, target: string): boolean {
    const [address = ''] = target.split(':');
    return lost.some(({ holds, untilMs }) => this.#nowMs() < untilMs + knownMs && holds(address));
  }

  /** Whether everybody knew it before the present unrest began. */
  #isKnown(sinceMs: number): boolean {
    return sinceMs + knownMs < this.#unrest.sinceMs(this.#nowMs());
  }

  /** Rules that lead to an address which a living task of another service has, and none of their own. */
  *#strays(machine: Machine): Iterable<string> {
    const networkOf = this.#networksOfSandboxes();
    for (const { namespace, place, targets } of entriesOf(machine.kernel, machine.networks)) {
      const network = networkOf(namespace);
      const service = this.#since.entry(namespace, place)?.service;
      if (namespace === 'host') continue;
      for (const target of targets) {
        const owners = this.#ownersOf(network, target.split(':')[0] ?? '');
        if (owners.length > 0 && !owners.includes(service ?? ''))
          yield `${machine.name} ${namespace} ${place} > ${target}`;
      }
    }
  }

  /** Which network's sandbox each is. */
  #networksOfSandboxes(): (namespace: string) => string {
    const networks = this.#truth.swarm.store.all('networks');
    const ingress = ingressOf(this.#truth);
    return (namespace) => networks.find(({ Id }) => namespace === `lb_${Id.slice(0, 9)}`)?.Id ?? ingress;
  }

  /** The services whose living tasks have the address. */
  #ownersOf(network: string, address: string): string[] {
    const { swarm, machines } = this.#truth;
    return swarm.store
      .all('tasks')
      .filter((task) => addressOn(task, network) === address)
      .filter(({ ID }) => machines.some((machine) => machine.containerOf(ID)?.State.Status === 'running'))
      .map(({ ServiceID }) => ServiceID);
  }
}

/** Whether a target, `10.0.0.5:80` or `10.0.1.5`, is at an address. */
function isAt(target: string, address: string | undefined): boolean {
  return target.split(':')[0] === address;
}
