import { sandboxOf, schedulers } from '@fairway/mesh';
import { layoutVersion } from '../rules/layout.ts';
import { render } from '../rules/render.ts';
import type { Balancer, Found } from '../rules/rules.ts';
import type { Stale } from '../rules/stale.ts';
import { type IpvsOperation, onIpvs, type Transaction } from '../rules/transaction.ts';
import type { Connections, DestinationKey } from '../rules/virtual-server.ts';
import { CommandHung, NamespaceMissing, RefusedByIpvs, RuleRejected } from './failures.ts';
import { fileOf, type Kernel, kindOf, type Namespace, type RulesOf, type Sandbox } from './kernel.ts';
import { macOf, type Way } from './overlay.ts';
import { copyServers, performOnIpvs, type VirtualServers } from './stand-in-ipvs.ts';
import { changedBy, emptyTable, listing, rulesOf, type Table } from './stand-in-table.ts';

export type KernelStandInOptions = {
  /** Where its failures come from: the same seed fails the same operations. */
  readonly seed: number;
  /** One operation in so many fails; 0 for none. */
  readonly failOneIn?: number;
  /** nftables unless told otherwise. */
  readonly balancer?: Balancer;
};

/** What addresses the overlays lose. */
type Lost = { readonly [how in 'noWay' | 'silent' | 'mute']?: (address: string) => boolean };

/** What a test may see and do besides, as a person at the machine might. */
export type KernelStandIn = Kernel & {
  /** The rules there now; undefined where there is no table. Never fails. */
  rules<N extends Namespace>(namespace: N): RulesOf<N> | undefined;
  /** All transactions that took effect, in order. */
  readonly applied: readonly { readonly namespace: Namespace; readonly text: string; readonly size: number }[];
  /** All connections that were to be forgotten, in order. */
  readonly forgotten: readonly Stale[];
  /** Puts a new sandbox in the old one's place, without rules, or takes it away; the ingress sandbox unless told. */
  replaceSandbox(id: string | undefined, sandbox?: Sandbox): void;
  /** A destination of IPVS has so many open connections. */
  connect(sandbox: Sandbox, destination: DestinationKey, open: number): void;
  /** The overlay of a network has a way to just these addresses, on one node; of a network not told of, to every one. */
  reach(network: string, addresses: readonly string[], node?: string): void;
  /** Docker's way to an address that is reached there leads to another node. */
  mislead(network: string, address: string, node: string): void;
  /**
   * The overlays have no way to what is `noWay`, whatever else is said of them, and bring no answer from what is `silent`, nor
   * from what is `mute` by itself, whose node answers.
   */
  lose(lost: Lost): void;
  /** From now on one operation in so many fails; 0 for none. */
  failOneIn(operations: number): void;
  /** From now on every transaction that has this text is refused; undefined for none. */
  refuse(text: string | undefined): void;
  /** The machine starts anew: nothing of Fairway's is left, and Docker has made no sandbox yet. */
  reboot(): void;
  /**
   * Takes the table away, or makes it foreign, as an administrator by hand; whoever watches is told, unless told otherwise. Or
   * flushes the tracked connections, of which nobody is told.
   */
  tamper(namespace: Namespace, how: 'delete' | 'flush' | { readonly foreign: string }, isTold?: boolean): void;
};

/**
 * A kernel in memory that refuses what nft refuses, and fails one operation in ten by itself. Of the applies that fail a quarter
 * ends amid what is new on IPVS, another before the table, which takes nothing, a third after the table and before what goes
 * from IPVS; and of the others only the answer is lost, as with a process killed too late.
 */
export function createKernelStandIn({
  seed,
  failOneIn: failsOneIn = 10,
  balancer = 'nftables',
}: KernelStandInOptions): KernelStandIn {
  const random = mulberry32(seed);
  const tables = new Map<Namespace, Table>();
  const ipvs = new Map<Namespace, VirtualServers>();
  const connections = new Map<Sandbox, Map<DestinationKey, Connections>>();
  const applied: { namespace: Namespace; text: string; size: number }[] = [];
  const forgotten: Stale[] = [];
  const watchers = new Set<(sandbox: Sandbox, id: string | undefined) => void>();
  const ruleWatchers = new Set<{ readonly namespace: Namespace; readonly onChange: () => void }>();
  const sandboxes = new Map<Sandbox, string>([['ingress', 'sandbox-1']]);
  const forwards = new Set<string>();
  /** Where tracked connections were not flushed since it was asked for. */
  const witnesses = new Set<Namespace>();
  const overlays = new Map<string, Map<string, Way>>();
  let lost: Lost = {};
  let forwarding = false;
  let failOneIn = failsOneIn;
  let refused: string | undefined;

  const fails = () => failOneIn > 0 && random() * failOneIn < 1;
  const hung = (when: string) => new CommandHung(`stand-in (seed ${seed}), ${when}`, 0);
  const find = (namespace: Namespace) => {
    if (namespace !== 'host' && !sandboxes.has(namespace)) throw new NamespaceMissing(namespace, fileOf(namespace));
  };
  const enter = (namespace: Namespace) => {
    find(namespace);
    if (fails()) throw new CommandHung(`stand-in (seed ${seed})`, 0);
  };

  /** What IPVS takes of these, each by itself; answers what it does not take, and why. */
  const performAll = (namespace: Namespace, operations: readonly IpvsOperation[]) => {
    const servers = copyServers(ipvs.get(namespace) ?? new Map());
    ipvs.set(namespace, servers);
    return operations.flatMap((operation) => {
      const reason = performOnIpvs(servers, operation);
      return reason ? [`${operation.element.key}: ${reason}`] : [];
    });
  };

  const nodeAnswers = async (_: unknown, address: string): Promise<boolean> => {
    if (fails()) throw new CommandHung(`stand-in (seed ${seed})`, 0);
    return !lost.noWay?.(address) && !lost.silent?.(address);
  };

  return {
    balancer,
    schedulers: new Set(schedulers),

    async read<N extends Namespace>(namespace: N): Promise<Found<RulesOf<N>> | undefined> {
      enter(namespace);
      const table = tables.get(namespace);
      const servers = ipvs.get(namespace) ?? new Map();
      if (!table && servers.size === 0) return undefined;
      const rules = rulesOf(table ?? emptyTable(kindOf(namespace, balancer)), servers) as RulesOf<N>;
      return {
        rules,
        layout: layoutVersion,
        foreign: [...(table?.foreign ?? [])],
        ...(table ? {} : { missing: true }),
      };
    },

    async show(namespace) {
      enter(namespace);
      const table = tables.get(namespace);
      return table && listing(table);
    },

    async apply(namespace, transaction: Transaction) {
      const text = render(transaction);
      find(namespace);
      const failure = fails() ? random() : undefined;
      const { before, after } = onIpvs(transaction);
      if (failure !== undefined && failure < 1 / 4) {
        performAll(namespace, before.slice(0, Math.floor(random() * before.length)));
        throw hung('amid it');
      }
      const notTaken = performAll(namespace, before);
      const rejection = (why: string) => new RuleRejected(namespace, why, text);
      if (refused !== undefined && text.includes(refused))
        throw rejection('Could not process rule: Operation not supported');
      if (failure !== undefined && failure < 1 / 2) throw rejection(`stand-in (seed ${seed})`);
      const changed = changedBy(tables.get(namespace), transaction);
      if (typeof changed === 'string') throw rejection(`Could not process rule: ${changed}`);
      if (changed.table) tables.set(namespace, changed.table);
      else tables.delete(namespace);
      applied.push({ namespace, text, size: transaction.operations.length });
      if (failure !== undefined && failure < 3 / 4) throw hung('before all of it took effect');
      notTaken.push(...performAll(namespace, after));
      if (notTaken.length > 0) throw new RefusedByIpvs(namespace, notTaken);
      if (failure !== undefined) throw hung('after taking effect');
      return { durationMs: 0.2 };
    },

    async refusal(namespace, transaction) {
      enter(namespace);
      if (refused !== undefined && render(transaction).includes(refused))
        return 'Could not process rule: Operation not supported';
      const changed = changedBy(tables.get(namespace), transaction);
      return typeof changed === 'string' ? `Could not process rule: ${changed}` : undefined;
    },

    async ensureHost() {
      enter('host');
      const changed = forwarding ? [] : ['DOCKER-USER accepts connections led to docker_gwbridge'];
      forwarding = true;
      return { changed, waitingFor: [] };
    },

    async leaveHost() {
      enter('host');
      forwarding = false;
    },

    async connections(sandbox) {
      enter(sandbox);
      return connections.get(sandbox) ?? new Map();
    },

    async forget(namespace, stale) {
      enter(namespace);
      forgotten.push(...stale);
      return 0;
    },

    async wereFlushed(namespace) {
      enter(namespace);
      const was = witnesses.has(namespace);
      witnesses.add(namespace);
      return !was;
    },

    async ensureSettings(sandbox) {
      enter(sandbox);
      const id = sandboxes.get(sandbox) ?? '';
      const was = forwards.has(id);
      forwards.add(id);
      return was ? [] : ['net.ipv4.ip_forward was 0, is 1'];
    },

    async reached(network, addresses) {
      if (fails()) throw new CommandHung(`stand-in (seed ${seed})`, 0);
      const takesPart = [...sandboxes.keys()].some((sandbox) => fileOf(sandbox) === sandboxOf(network));
      const ways = overlays.get(network.id);
      const isReached = (address: string) => (ways?.has(address) ?? true) && !lost.noWay?.(address);
      return new Set(addresses.filter((address) => takesPart && isReached(address)));
    },

    async ways({ id }) {
      if (fails()) throw new CommandHung(`stand-in (seed ${seed})`, 0);
      const ways = overlays.get(id);
      return ways && new Map([...ways].filter(([address]) => !lost.noWay?.(address)));
    },
    async putWays({ id }, ways) {
      if (fails()) throw new CommandHung(`stand-in (seed ${seed})`, 0);
      const held = overlays.get(id);
      for (const [address, way] of ways) if (!held?.has(address)) held?.set(address, { ...way, isOwn: true });
    },
    async setWays({ id }, ways) {
      if (fails()) throw new CommandHung(`stand-in (seed ${seed})`, 0);
      for (const [address, way] of ways) overlays.get(id)?.set(address, { ...way, isOwn: true });
    },
    async dropWays({ id }, ways) {
      if (fails()) throw new CommandHung(`stand-in (seed ${seed})`, 0);
      const held = overlays.get(id);
      for (const address of ways.keys()) if (held?.get(address)?.isOwn) held.delete(address);
    },

    nodeAnswers,
    answers: async (network, address) => (await nodeAnswers(network, address)) && !lost.mute?.(address),

    async sandboxes() {
      return new Map(sandboxes);
    },

    watchSandboxes(onChange) {
      const watcher = (sandbox: Sandbox, id: string | undefined) => onChange(sandbox, id);
      watchers.add(watcher);
      const known = [...sandboxes];
      queueMicrotask(() => {
        if (watchers.has(watcher)) for (const [sandbox, id] of known) watcher(sandbox, id);
      });
      return { close: () => void watchers.delete(watcher) };
    },

    watchRules(namespace, onChange) {
      const watcher = { namespace, onChange };
      ruleWatchers.add(watcher);
      return { close: () => void ruleWatchers.delete(watcher) };
    },

    async requirements() {
      return [];
    },

    applied,
    forgotten,
    rules<N extends Namespace>(namespace: N) {
      const table = tables.get(namespace);
      return table && (rulesOf(table, ipvs.get(namespace) ?? new Map()) as RulesOf<N>);
    },
    replaceSandbox(id, sandbox = 'ingress') {
      if (id === sandboxes.get(sandbox)) return;
      if (id === undefined) sandboxes.delete(sandbox);
      else sandboxes.set(sandbox, id);
      tables.delete(sandbox);
      ipvs.delete(sandbox);
      witnesses.delete(sandbox);
      for (const watcher of watchers) watcher(sandbox, id);
    },
    connect(sandbox, destination, open) {
      const held = connections.get(sandbox) ?? new Map<DestinationKey, Connections>();
      connections.set(sandbox, held.set(destination, { open, other: 0 }));
    },
    mislead(network, address, node) {
      const { isOwn: _, ...way } = overlays.get(network)?.get(address) ?? {
        device: 'vxlan0',
        mac: macOf(address) ?? '',
      };
      overlays.get(network)?.set(address, { ...way, node });
    },
    reach(network, addresses, node = '10.99.0.12') {
      const way = { device: 'vxlan0', mac: '', node };
      overlays.set(network, new Map(addresses.map((address) => [address, { ...way, mac: macOf(address) ?? '' }])));
    },
    lose(by) {
      lost = by;
    },
    failOneIn(operations) {
      failOneIn = operations;
    },
    refuse(text) {
      refused = text;
    },
    reboot() {
      tables.clear();
      ipvs.clear();
      sandboxes.clear();
      witnesses.clear();
      forwarding = false;
    },
    tamper(namespace, how, isTold = true) {
      if (how === 'flush') {
        witnesses.delete(namespace);
        return;
      }
      if (how === 'delete') tables.delete(namespace);
      else tables.get(namespace)?.foreign.push(how.foreign);
      for (const watcher of isTold ? ruleWatchers : []) if (watcher.namespace === namespace) watcher.onChange();
    },
  };
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
