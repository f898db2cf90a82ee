import type { Network, Scheduler } from '@fairway/mesh';
import type {
  Balancer,
  Found,
  HostRules,
  IngressRules,
  IpvsIngressRules,
  IpvsNetworkRules,
  IpvsSandboxRules,
  NetworkRules,
  Rules,
} from '../rules/rules.ts';
import type { Stale } from '../rules/stale.ts';
import type { Transaction } from '../rules/transaction.ts';
import type { Connections, DestinationKey } from '../rules/virtual-server.ts';
import type { Way } from './overlay.ts';

/** Docker's sandbox from which a node balances on one overlay network, named as its file. */
export type NetworkSandbox = `lb_${string}`;

/** A sandbox that Docker made on this node: `ingress_sbox`, and one for each overlay network that the node takes part in. */
export type Sandbox = 'ingress' | NetworkSandbox;

/** A network namespace that Fairway writes to: the node's own, and Docker's sandboxes on it. */
export type Namespace = 'host' | Sandbox;

/** The rules that belong to a namespace. */
export type RulesOf<N extends Namespace> = N extends 'host'
  ? HostRules
  : N extends 'ingress'
    ? IngressRules | IpvsIngressRules
    : NetworkRules | IpvsNetworkRules;

/** The file in Docker's `netns/` that a sandbox is. */
export function fileOf(sandbox: Sandbox): string {
  return sandbox === 'ingress' ? 'ingress_sbox' : sandbox;
}

/** How a namespace is called for people: `host`, or a sandbox as its file. */
export function nameOf(namespace: Namespace): string {
  return namespace === 'host' ? namespace : fileOf(namespace);
}

/** The sandbox that a file in Docker's `netns/` is; undefined for other namespaces. */
export function sandboxOfFile(file: string): Sandbox | undefined {
  if (file === 'ingress_sbox') return 'ingress';
  return /^lb_[a-z0-9]{1,9}$/.test(file) ? (file as NetworkSandbox) : undefined;
}

export function kindOf(namespace: Namespace, balancer: Balancer): Rules['kind'] {
  if (namespace === 'host') return namespace;
  if (balancer === 'ipvs') return ipvsKindOf(namespace);
  return namespace === 'ingress' ? namespace : 'network';
}

export function ipvsKindOf(sandbox: Sandbox): IpvsSandboxRules['kind'] {
  return sandbox === 'ingress' ? 'ipvs-ingress' : 'ipvs-network';
}

/** Something without which no rules can be set. */
export type Requirement = { readonly missing: string; readonly neededFor: string; readonly get: string };

/** What `ensureHost` came to. */
export type HostReport = {
  /** What was not as it should be and is now, one sentence each; empty when all was right. */
  readonly changed: readonly string[];
  /** What Docker has not made yet, and is needed. Call again. */
  readonly waitingFor: readonly string[];
};

/**
 * The node's kernel, as far as Fairway writes to it. All verbs may be repeated. One caller at a time per namespace
 * that applies: its difference builds on what it read. Others may read meanwhile.
 */
export type Kernel = {
  /** What balances in the sandboxes. */
  readonly balancer: Balancer;
  /** How it can choose a task for a connection. */
  readonly schedulers: ReadonlySet<Scheduler>;

  /**
   * Fairway's table, undefined where there is none.
   * @throws NamespaceMissing, CommandHung, CommandFailed
   */
  read<N extends Namespace>(namespace: N): Promise<Found<RulesOf<N>> | undefined>;

  /**
   * Fairway's table as `nft list table inet fairway` prints it, for people, and where IPVS balances what `ipvsadm -L -n`
   * says; undefined where there is no table.
   * @throws NamespaceMissing, CommandHung, CommandFailed
   */
  show(namespace: Namespace): Promise<string | undefined>;

  /**
   * Applies all of it or nothing, in one kernel transaction, and then lets a network's sandbox answer for its virtual
   * IPs, each by itself. What IPVS refuses keeps nothing else from being
   * applied. One that builds the table anew has a second table at its side, which answers the same for as long as it
   * takes.
   * @throws RuleRejected, RefusedByIpvs, NamespaceMissing, CommandMissing; CommandHung, and CommandFailed where nft ended by itself,
   *   after which it may have taken effect or not
   */
  apply(namespace: Namespace, transaction: Transaction): Promise<{ readonly durationMs: number }>;

  /**
   * Why a transaction's part on the table would be refused; undefined where it would be taken. Nothing of it takes effect.
   * @throws NamespaceMissing, CommandFailed, CommandHung
   */
  refusal(namespace: Namespace, transaction: Transaction): Promise<string | undefined>;

  /**
   * Makes the node lead packets to the ingress sandbox: two accepts in Docker's chain DOCKER-USER, the
   * jump from FORWARD to it, and `route_localnet` on docker_gwbridge for connections to 127.0.0.1.
   * @throws CommandFailed, CommandHung
   */
  ensureHost(): Promise<HostReport>;

  /**
   * Takes the two accepts away again. `route_localnet` stays: Docker sets it for its own mesh too (moby,
   * libnetwork/service_linux.go, programIngress).
   * @throws CommandFailed, CommandHung
   */
  leaveHost(): Promise<void>;

  /**
   * The connections of each destination that Fairway's virtual services have in a sandbox; none where nftables balances.
   * @throws NamespaceMissing, CommandHung, CommandFailed
   */
  connections(sandbox: Sandbox): Promise<ReadonlyMap<DestinationKey, Connections>>;

  /**
   * Drops tracked connections, and tells how many. The next packet of each meets the rules as they are then.
   * @throws NamespaceMissing, CommandFailed, CommandHung
   */
  forget(namespace: Namespace, stale: readonly Stale[]): Promise<number>;

  /**
   * Whether somebody flushed a namespace's tracked connections since the last time; also at the first time.
   * @throws NamespaceMissing, CommandFailed, CommandHung
   */
  wereFlushed(namespace: Namespace): Promise<boolean>;

  /**
   * Makes a sandbox forward packets, and a network's send no ICMP redirects, and sets what IPVS needs where it balances;
   * tells what was not as it should be and is now, one sentence each. A namespace made while the machine's first one has
   * ip_forward 0 has 0 too.
   * @throws NamespaceMissing, CommandFailed, CommandHung
   */
  ensureSettings(sandbox: Sandbox): Promise<readonly string[]>;

  /**
   * Which of these addresses on an overlay network this node's part of it has a way to: Docker learns by gossip which node a
   * task's address is on, and until then packets to it go nowhere. Those of this node's own containers are not among
   * them. On an encrypted network it takes the keys to that node as well, which there are only where the kernel has ESP.
   * None where the node has no part in the network: Docker makes the sandbox first, and the overlay a little later.
   * @throws CommandFailed, CommandHung
   */
  reached(
    network: Pick<Network, 'id' | 'ingress' | 'encrypted'>,
    addresses: readonly string[],
  ): Promise<ReadonlySet<string>>;

  /**
   * The addresses on other nodes that this node's part of an overlay network has a way to, tasks' and sandboxes', each with
   * it; undefined where it has none.
   * @throws CommandFailed, CommandHung
   */
  ways(network: Pick<Network, 'id' | 'encrypted'>): Promise<ReadonlyMap<string, Way> | undefined>;

  /**
   * Sets ways in Docker's own namespace, marked as Fairway's, for those of the addresses that have none; nothing where the
   * node has no part in the network. What Docker sets later takes the place of them, and the mark away.
   * @throws CommandFailed, CommandHung
   */
  putWays(network: Pick<Network, 'id'>, ways: ReadonlyMap<string, Way>): Promise<void>;

  /**
   * The same in the place of whatever is there.
   * @throws CommandFailed, CommandHung
   */
  setWays(network: Pick<Network, 'id'>, ways: ReadonlyMap<string, Way>): Promise<void>;

  /**
   * Takes these ways away, as far as they are there and marked.
   * @throws CommandFailed, CommandHung
   */
  dropWays(network: Pick<Network, 'id'>, ways: ReadonlyMap<string, Way>): Promise<void>;

  /**
   * Whether the node that this node's overlay has behind an address answers an ICMP echo from here, at that address or at
   * another one of its own: its overlay has the way back then, which its Docker learns by itself. Each node's sandbox
   * is among them, and answers whatever a task does. A second for one that does not.
   * @throws CommandFailed, CommandHung, CommandMissing
   */
  nodeAnswers(network: Pick<Network, 'id' | 'ingress' | 'encrypted'>, address: string): Promise<boolean>;

  /**
   * Whether an address of another node's answers an ICMP echo from here.
   * @throws CommandFailed, CommandHung, CommandMissing
   */
  answers(network: Pick<Network, 'id' | 'ingress'>, address: string): Promise<boolean>;

  /**
   * The sandboxes there are, each with the identity of its namespace: another one when Docker replaced it.
   */
  sandboxes(): Promise<ReadonlyMap<Sandbox, string>>;

  /**
   * Calls with a sandbox and its new identity whenever that changes, undefined when it is gone; at first for each that
   * is there. Events, and a check every 10 s for what no event told.
   */
  watchSandboxes(onChange: (sandbox: Sandbox, id: string | undefined) => void): { close(): void };

  /**
   * Calls whenever another process may have changed what Fairway has in a namespace: its table, and on the host its rules in
   * DOCKER-USER and what leads there. As soon as nft tells of it; what others change elsewhere (IPVS, routes, settings) it does not.
   */
  watchRules(namespace: Namespace, onChange: () => void): { close(): void };

  /** What is missing on this machine; empty when all is there. */
  requirements(): Promise<readonly Requirement[]>;
};
