import type { Clock } from '@fairway/bus';
import type { Span } from '@fairway/telemetry';
import { type Applied, ApplyFailed, together } from './applied.ts';
import { findRefused } from './find-refused.ts';
import { NamespaceMissing, RefusedByIpvs, RouteRejected, RuleRejected, ServicesRefused } from './kernel/failures.ts';
import type { Kernel, Namespace, NetworkSandbox, RulesOf, Sandbox } from './kernel/kernel.ts';
import { NamespaceWork } from './namespace-work.ts';
import { difference, removal } from './rules/difference.ts';
import { driftBetween } from './rules/drift.ts';
import { layoutVersion } from './rules/layout.ts';
import { ofTable, servicesOf, withoutServices } from './rules/part.ts';
import type { Found, HostRules, Rules, ServiceKey, WishFor } from './rules/rules.ts';
import { drainsAny, endedIn } from './rules/settle-virtual.ts';
import { nameOf, type Stale } from './rules/stale.ts';
import type { Transaction } from './rules/transaction.ts';
import type { DestinationKey } from './rules/virtual-server.ts';
import type { Wish } from './rules/wish.ts';

/** What one round did in all namespaces; one that failed, or takes long, holds up no other. */
export type Brought = Applied & {
  readonly failures: readonly ApplyFailed[];
  /** Those that are still being brought to what was wanted before. A round is due when that has ended. */
  readonly waiting: readonly Namespace[];
};

/** So long connections get to end when a node is left to Docker, and so often it is looked; the first are just being opened. */
const closingMaxMs = 5_000;
const closingLookMs = 500;

/** Which tracked connections to a lost endpoint are kept, in a namespace: those that were answered, or opening ones too. */
export type Keeps = (namespace: Namespace, stale: Stale) => 'all' | 'answered' | 'none';

/** What others did to a namespace, found and then put right. */
export type Drift = {
  readonly kind: 'drifted' | 'repaired';
  readonly namespace: Namespace | 'host forwarding';
  /** One sentence each. */
  readonly found: readonly string[];
};

/** New connections are tracked as ever, so there is nothing to be repaired. */
const flushed = 'the tracked connections were flushed: those that were open may have ended';

const remade = ['Docker made the sandbox anew'];

/** What a namespace has as far as is known, and whether others may have changed it since. */
type Held = { readonly found: Found<RulesOf<Namespace>> | undefined; readonly isSuspect: boolean };

/** Tracked connections that are still to be dropped: they were kept so far, or dropping them failed. */
type Waiting = { readonly stale: Stale; readonly openingDropped: boolean };

/**
 * What the kernel holds of Fairway's rules, read once and then kept up with each transaction; read again whenever that
 * may no longer be true.
 */
export class HeldRules {
  readonly #kernel: Kernel;
  readonly #clock: Clock;
  readonly #work: NamespaceWork;
  readonly #onDrift: (drift: Drift) => void;
  readonly #held = new Map<Namespace, Held>();
  /** How often each namespace was doubted; what was read before a doubt is not held after it. */
  readonly #doubts = new Map<Namespace, number>();
  /** How often each was suspected; what was read before is to be read again. */
  readonly #suspicions = new Map<Namespace, number>();
  /** Where it could not be told whether tracked connections were flushed. */
  readonly #untold = new Set<Namespace>();
  /** What others did that is not put right yet. */
  readonly #drifts = new Map<Namespace, readonly string[]>();
  /** By name. */
  readonly #stale = new Map<Namespace, Map<string, Waiting>>();
  /** Where there were draining tasks when the kernel was read last; also where what was tried since has failed. */
  readonly #draining = new Set<Sandbox>();
  /** Where the next round looks whether draining tasks still have connections. */
  readonly #drainLooks = new Set<Sandbox>();

  /**
   * @param onDue called when a round is due that nothing from outside asks for
   * @param onDrift called with what others did, and again when it is put right
   */
  constructor(kernel: Kernel, clock: Clock, onDue: () => void, onDrift: (drift: Drift) => void) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#onDrift = onDrift;
    this.#work = new NamespaceWork(clock, onDue);
  }

  /** What the namespace has is not known any more: it is read before the next round. */
  doubt(namespace: Namespace): void {
    this.#doubts.set(namespace, this.#doubtsOf(namespace) + 1);
    this.#held.delete(namespace);
  }

  /** Others may have changed the namespace: it is read before the next round, and what they did is told. */
  suspect(namespace: Namespace): void {
    this.#suspicions.set(namespace, this.#suspicionsOf(namespace) + 1);
    const held = this.#held.get(namespace);
    if (held) this.#held.set(namespace, { ...held, isSuspect: true });
  }

  /** Docker made the sandbox anew, while there were rules in it or when it was gone. */
  remade(sandbox: Sandbox): void {
    this.drop(sandbox);
    this.#drifts.set(sandbox, remade);
    this.#onDrift({ kind: 'drifted', namespace: sandbox, found: remade });
  }

  /** The namespace is gone, with all that was in it. */
  drop(namespace: Namespace): void {
    this.doubt(namespace);
    this.#draining.delete(namespace as Sandbox);
    this.#drainLooks.delete(namespace as Sandbox);
    this.#work.forget(namespace);
    this.#stale.delete(namespace);
    this.#drifts.delete(namespace);
  }

  /**
   * Brings all namespaces to the wish: the sandboxes side by side, and the host after the ingress sandbox, so that it
   * leads to nothing that is not there. One that takes long goes on by itself. Tracked connections that the new rules
   * would not reach are dropped, those that `keeps` keeps once it does no more. `begin` begins the span of each
   * transaction.
   */
  async bring(wish: Wish, prune: boolean, keeps: Keeps, begin: (namespace: Namespace) => Span): Promise<Brought> {
    const { ingress, host, networks } = wish;
    const one = <N extends Namespace>(namespace: N, wanted: WishFor<RulesOf<N>>) =>
      this.#work.run(namespace, () => this.#bringOne(namespace, wanted, prune, keeps, begin));
    const waiting: Namespace[] = [];
    const oneOrWait = async <N extends Namespace>(namespace: N, wanted: WishFor<RulesOf<N>>) => {
      try {
        const applied = await one(namespace, wanted);
        return applied ? [applied] : [];
      } finally {
        if (this.#work.isUnderWay(namespace)) waiting.push(namespace);
      }
    };
    const ofIngress = ingress ? [oneOrWait('ingress', ingress)] : [];
    const hostAfterIngress = async (wanted: HostRules) => {
      for (const work of ofIngress) await untilThere(work);
      return waiting.includes('ingress') ? [] : oneOrWait('host', wanted);
    };
    const ofHost = host ? [hostAfterIngress(host)] : [];
    const ofNetworks = [...networks].map(([sandbox, network]) => oneOrWait(sandbox as NetworkSandbox, network));
    const settled = await Promise.allSettled([...ofIngress, ...ofHost, ...ofNetworks]);
    const applied = settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    // The host has the same failure as the ingress sandbox that it waits for.
    const failures = [...new Set(settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])))];
    const fault = failures.find((failure) => !(failure instanceof ApplyFailed));
    if (fault) throw fault;
    return { ...together(applied), failures, waiting };
  }

  /** Removes what there is of Fairway's. What IPVS has of its connections gets a while to end: they would be reset. */
  async release(namespace: Namespace): Promise<void> {
    await this.#work.end(namespace);
    this.doubt(namespace);
    const found = await this.#kernel.read(namespace);
    const { rules, servers } = found ? removal(found) : {};
    if (rules) await this.#kernel.apply(namespace, rules);
    if (namespace === 'host') await this.#kernel.leaveHost();
    if (servers) {
      await this.#untilClosed(namespace as Sandbox);
      await this.#kernel.apply(namespace, servers);
    }
    this.doubt(namespace);
  }

  /** Whether any sandbox has draining tasks, which the next round looks at: those without connections leave then. */
  lookAtDraining(): boolean {
    for (const sandbox of this.#draining) this.#drainLooks.add(sandbox);
    return this.#drainLooks.size > 0;
  }

  async #bringOne<N extends Namespace>(
    namespace: N,
    wish: WishFor<RulesOf<N>>,
    prune: boolean,
    keeps: Keeps,
    begin: (namespace: Namespace) => Span,
  ): Promise<Applied> {
    try {
      const asked = this.#asked(namespace);
      const isReadNow = this.#held.get(namespace)?.isSuspect !== false;
      const found = await this.#found(namespace);
      const drift = this.#drifts.get(namespace);
      const ended = await this.#ended(namespace, found);
      const change = difference<RulesOf<N>>(found, wish, prune, this.#kernel.balancer, ended);
      // Before applying: when its answer is lost the rules may be there, and the next difference says nothing of these.
      const waiting = this.#stale.get(namespace) ?? new Map<string, Waiting>();
      this.#stale.set(namespace, waiting);
      for (const stale of change.stale) waiting.set(nameOf(stale), { stale, openingDropped: false });
      let durationMs = 0;
      if (change.transaction) {
        const span = begin(namespace);
        const applying = this.#apply(namespace, change.transaction, isReadNow ? asked : undefined).catch(
          async (error) => {
            // All but what it refused is there, and what others lost is not to wait for that.
            if (isPartial(error)) await this.#forget(namespace, keeps);
            throw error;
          },
        );
        ({ durationMs } = await ending(span, applying));
        this.#hold(namespace, asked, { rules: change.rules, layout: layoutVersion, foreign: [] });
      }
      // Without pruning what somebody added stays; and what was done to a sandbox that is no more mends nothing in the next one.
      if (drift && prune && asked.doubts === this.#doubtsOf(namespace)) {
        this.#drifts.delete(namespace);
        this.#onDrift({ kind: 'repaired', namespace, found: drift });
      }
      await this.#forget(namespace, keeps);
      return {
        durationMs,
        changes: change.transaction?.changes ?? { added: 0, removed: 0 },
        rebuilt: change.rebuilt === 'foreign' ? [`${namespace}: ${found?.foreign.join(', ')}`] : [],
      };
    } catch (cause) {
      this.doubt(namespace);
      throw new ApplyFailed(namespace, cause);
    }
  }

  /**
   * Applies a transaction, or of one that the kernel refuses all but the services that it refuses.
   * @param read where it follows from what was just read, what was asked before; else it may be refused for what others changed
   * @throws ServicesRefused, and as `Kernel.apply`
   */
  async #apply(
    namespace: Namespace,
    transaction: Transaction,
    read: Asked | undefined,
  ): Promise<{ readonly durationMs: number }> {
    try {
      return await this.#kernel.apply(namespace, transaction);
    } catch (error) {
      const services = servicesOf(transaction);
      if (!(error instanceof RuleRejected) || error instanceof RouteRejected || !read) throw error;
      const now = this.#asked(namespace);
      const isOld = now.doubts !== read.doubts || now.suspicions !== read.suspicions;
      if (isOld || services.length === 0) throw error;
      const refusalOf = async (some: readonly ServiceKey[]) => {
        const part = withoutServices(transaction, new Set(services).difference(new Set(some)));
        const onTable = part && ofTable(part);
        return onTable && this.#kernel.refusal(namespace, onTable);
      };
      // What is refused without any of them is none of their doing.
      if ((await refusalOf([])) !== undefined) throw error;
      const reasons = new Map<ServiceKey, string>();
      const refused = await findRefused(services, async (some) => {
        const why = await refusalOf(some);
        if (why !== undefined) for (const service of some) reasons.set(service, why);
        return why === undefined;
      });
      if (!refused || refused.length === 0) throw error;
      const rest = withoutServices(transaction, new Set(refused));
      if (rest) await this.#kernel.apply(namespace, rest);
      const told = refused.map((service) => `${service}: ${reasons.get(service)}`);
      throw new ServicesRefused(namespace, told, error);
    }
  }

  /** The draining tasks whose connections have ended, where it is time to look. */
  async #ended(namespace: Namespace, found: Found<Rules> | undefined): Promise<ReadonlySet<DestinationKey>> {
    if (namespace === 'host' || !found || !this.#drainLooks.delete(namespace)) return new Set();
    return endedIn(found.rules, await this.#kernel.connections(namespace));
  }

  async #untilClosed(sandbox: Sandbox): Promise<void> {
    for (let waitedMs = 0; waitedMs < closingMaxMs; waitedMs += closingLookMs) {
      await new Promise<void>((resolve) => this.#clock.after(closingLookMs, resolve));
      const connections = await this.#kernel.connections(sandbox);
      if ([...connections.values()].every(({ open }) => open === 0)) return;
    }
  }

  async #forget(namespace: Namespace, keeps: Keeps): Promise<void> {
    const waiting = this.#stale.get(namespace) ?? new Map<string, Waiting>();
    const kept = [...waiting].map(([name, one]) => ({ ...one, name, keeps: keeps(namespace, one.stale) }));
    const dead = kept.filter((one) => one.keeps === 'none');
    const unanswered = kept.flatMap(({ keeps, stale, openingDropped, name }) =>
      keeps === 'answered' && !openingDropped && stale.kind === 'backend'
        ? [{ name, stale, opening: { kind: 'opening', carrier: 'tcp', target: stale.target } as const }]
        : [],
    );
    if (dead.length + unanswered.length === 0) return;
    await this.#kernel.forget(namespace, [
      ...dead.map(({ stale }) => stale),
      ...unanswered.map(({ opening }) => opening),
    ]);
    for (const { name } of dead) waiting.delete(name);
    for (const { name, stale } of unanswered) waiting.set(name, { stale, openingDropped: true });
  }

  async #found<N extends Namespace>(namespace: N): Promise<Found<RulesOf<N>> | undefined> {
    const held = this.#held.get(namespace);
    if (held && !held.isSuspect) return held.found as Found<RulesOf<N>> | undefined;
    const asked = this.#asked(namespace);
    const settings = namespace === 'host' ? [] : await this.#kernel.ensureSettings(namespace);
    const found = await this.#kernel.read(namespace);
    const wereFlushed = await this.#wereFlushed(namespace);
    const drift = held ? [...settings, ...driftBetween(held.found, found), ...(wereFlushed ? [flushed] : [])] : [];
    if (drift.length > 0) {
      this.#drifts.set(namespace, [...new Set([...(this.#drifts.get(namespace) ?? []), ...drift])]);
      this.#onDrift({ kind: 'drifted', namespace, found: drift });
    }
    this.#hold(namespace, asked, found);
    return found;
  }

  /** Whether tracked connections were flushed; where that cannot be told, they were not: nothing else is to wait for it. */
  async #wereFlushed(namespace: Namespace): Promise<boolean> {
    try {
      const were = await this.#kernel.wereFlushed(namespace);
      // What could not be left there before is missing for that.
      return !this.#untold.delete(namespace) && were;
    } catch (error) {
      if (error instanceof NamespaceMissing) throw error;
      this.#untold.add(namespace);
      return false;
    }
  }

  /** How often it was doubted and suspected so far. */
  #asked(namespace: Namespace): Asked {
    return { doubts: this.#doubtsOf(namespace), suspicions: this.#suspicionsOf(namespace) };
  }

  /** Holds what was read or applied, unless it was doubted since `asked`: it may be of a sandbox that is no more. */
  #hold<N extends Namespace>(namespace: N, asked: Asked, found: Found<RulesOf<N>> | undefined): void {
    if (asked.doubts !== this.#doubtsOf(namespace)) return;
    this.#held.set(namespace, { found, isSuspect: asked.suspicions !== this.#suspicionsOf(namespace) });
    if (found && drainsAny(found.rules)) this.#draining.add(namespace as Sandbox);
    else this.#draining.delete(namespace as Sandbox);
  }

  #doubtsOf(namespace: Namespace): number {
    return this.#doubts.get(namespace) ?? 0;
  }

  #suspicionsOf(namespace: Namespace): number {
    return this.#suspicions.get(namespace) ?? 0;
  }
}

type Asked = { readonly doubts: number; readonly suspicions: number };

/** Ends once a namespace has all that it will get: what the kernel refused of it is refused again, whatever is waited for. */
async function untilThere(work: Promise<unknown>): Promise<void> {
  await work.catch((failure: unknown) => {
    if (!(failure instanceof ApplyFailed && isPartial(failure.cause))) throw failure;
  });
}

/** Whether all but what was refused has taken effect. */
function isPartial(error: unknown): boolean {
  return error instanceof RefusedByIpvs || error instanceof ServicesRefused;
}

/** The same promise, which ends the span when it settles. */
async function ending<Result>(span: Span, work: Promise<Result>): Promise<Result> {
  try {
    const result = await work;
    span.end();
    return result;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}
