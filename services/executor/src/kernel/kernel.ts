import type { Stale } from '../rules/difference.ts';
import type { Found, HostRules, IngressRules } from '../rules/rules.ts';
import type { Transaction } from '../rules/transaction.ts';

/** A network namespace that Fairway writes to: the node's own, and Docker's `ingress_sbox` on it. */
export type Namespace = 'host' | 'ingress';

/** The rules that belong to a namespace. */
export type RulesOf<N extends Namespace> = N extends 'host' ? HostRules : IngressRules;

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
 * The node's kernel, as far as Fairway writes to it. All verbs may be repeated. One caller at a time per namespace:
 * the difference that it applies builds on what it read.
 */
export type Kernel = {
  /**
   * Fairway's table, undefined where there is none.
   * @throws NamespaceMissing, CommandHung, CommandFailed
   */
  read<N extends Namespace>(namespace: N): Promise<Found<RulesOf<N>> | undefined>;

  /**
   * Applies all of it or nothing, in one kernel transaction. One that builds the table anew has a second table at its
   * side, which answers the same for as long as it takes.
   * @throws RuleRejected, NamespaceMissing; CommandHung, after which it may have taken effect or not
   */
  apply(namespace: Namespace, transaction: Transaction): Promise<{ readonly durationMs: number }>;

  /**
   * Makes the node lead packets to the ingress sandbox: two accepts in Docker's chain DOCKER-USER, and
   * `route_localnet` on docker_gwbridge for connections to 127.0.0.1.
   * @throws CommandFailed, CommandHung
   */
  ensureHost(): Promise<HostReport>;

  /**
   * Drops tracked connections, and tells how many. The next packet of each meets the rules as they are then.
   * @throws NamespaceMissing, CommandFailed, CommandHung
   */
  forget(namespace: Namespace, stale: readonly Stale[]): Promise<number>;

  /**
   * The identity of the ingress sandbox's namespace: another one when Docker replaced it. Undefined while it is not
   * there.
   */
  sandboxId(): Promise<string | undefined>;

  /** Calls with the new identity whenever it changes. Events, and a check every 10 s for what no event told. */
  watchSandboxes(onChange: (id: string | undefined) => void): { close(): void };

  /** What is missing on this machine; empty when all is there. */
  requirements(): Promise<readonly Requirement[]>;
};
