import type { Changes } from '@fairway/mesh';
import type { Kernel, Namespace, RulesOf } from './kernel/kernel.ts';
import { difference, removal, type Stale } from './rules/difference.ts';
import { layoutVersion } from './rules/layout.ts';
import { type Found, showTarget, type WishFor } from './rules/rules.ts';
import type { Wish } from './rules/wish.ts';

/** What one round of applying did. */
export type Applied = { readonly durationMs: number; readonly changes: Changes; readonly rebuilt: readonly string[] };

/** A round failed in one namespace; what the others got stays. */
export class ApplyFailed extends Error {
  readonly namespace: Namespace;
  constructor(namespace: Namespace, cause: unknown) {
    super(`ApplyFailed: ${namespace}`, { cause });
    this.namespace = namespace;
  }
}

/**
 * What the kernel holds of Fairway's rules, read once and then kept up with each transaction; read again whenever that
 * may no longer be true.
 */
export class HeldRules {
  readonly #kernel: Kernel;
  readonly #held: { [N in Namespace]?: { readonly found: Found<RulesOf<N>> | undefined } } = {};
  readonly #doubts: Record<Namespace, number> = { host: 0, ingress: 0 };
  /** Tracked connections that are still to be dropped: they were kept so far, or dropping them failed. */
  readonly #stale: Record<Namespace, Map<string, Stale>> = { host: new Map(), ingress: new Map() };

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The namespace has to be read before the next round. */
  doubt(namespace: Namespace): void {
    this.#doubts[namespace] += 1;
    delete this.#held[namespace];
  }

  /**
   * Brings both namespaces to the wish: the sandbox first, so that the host leads to nothing that is not there.
   * Tracked connections that the new rules would not reach are dropped, those that `keeps` keeps once it does no more.
   *
   * @throws {ApplyFailed}
   */
  async bring(wish: Wish, prune: boolean, keeps: (stale: Stale) => boolean): Promise<Applied> {
    const ingress = await this.#bringOne('ingress', wish.ingress, prune, keeps);
    const host = await this.#bringOne('host', wish.host, prune, keeps);
    return {
      durationMs: ingress.durationMs + host.durationMs,
      changes: {
        added: ingress.changes.added + host.changes.added,
        removed: ingress.changes.removed + host.changes.removed,
      },
      rebuilt: [...ingress.rebuilt, ...host.rebuilt],
    };
  }

  /** Removes Fairway's table, where there is one. */
  async release(namespace: Namespace): Promise<void> {
    this.doubt(namespace);
    if (await this.#kernel.read(namespace)) await this.#kernel.apply(namespace, removal());
    this.doubt(namespace);
  }

  async #bringOne<N extends Namespace>(
    namespace: N,
    wish: WishFor<RulesOf<N>>,
    prune: boolean,
    keeps: (stale: Stale) => boolean,
  ): Promise<Applied> {
    try {
      const doubts = this.#doubts[namespace];
      const found = await this.#found(namespace);
      const change = difference<RulesOf<N>>(found, wish, prune);
      // Before applying: when its answer is lost the rules may be there, and the next difference says nothing of these.
      for (const stale of change.stale) this.#stale[namespace].set(nameOf(stale), stale);
      let durationMs = 0;
      if (change.transaction) {
        ({ durationMs } = await this.#kernel.apply(namespace, change.transaction));
        this.#hold(namespace, doubts, { rules: change.rules, layout: layoutVersion, foreign: [] });
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

  async #forget(namespace: Namespace, keeps: (stale: Stale) => boolean): Promise<void> {
    const waiting = this.#stale[namespace];
    const due = [...waiting].filter(([, stale]) => !keeps(stale));
    if (due.length === 0) return;
    await this.#kernel.forget(
      namespace,
      due.map(([, stale]) => stale),
    );
    for (const [name] of due) waiting.delete(name);
  }

  async #found<N extends Namespace>(namespace: N): Promise<Found<RulesOf<N>> | undefined> {
    const held = this.#held[namespace];
    if (held) return held.found;
    const doubts = this.#doubts[namespace];
    const found = await this.#kernel.read(namespace);
    this.#hold(namespace, doubts, found);
    return found;
  }

  /** Holds what was read or applied, unless it was doubted meanwhile: it may be of a sandbox that is no more. */
  #hold<N extends Namespace>(namespace: N, doubts: number, found: Found<RulesOf<N>> | undefined): void {
    if (doubts !== this.#doubts[namespace]) return;
    (this.#held as { [M in N]?: { found: Found<RulesOf<N>> | undefined } })[namespace] = { found };
  }
}

function nameOf(stale: Stale): string {
  return stale.kind === 'backend' ? `${stale.carrier} ${showTarget(stale.target)}` : `${stale.carrier} ${stale.port}`;
}
