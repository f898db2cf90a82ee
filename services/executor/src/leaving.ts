import type { Cause, Mesh } from '@fairway/mesh';
import { ApplyFailed } from './applied.ts';
import type { HeldRules } from './held-rules.ts';
import type { Namespace, Sandbox } from './kernel/kernel.ts';
import type { Success } from './outcome-report.ts';

/**
 * Takes Fairway's rules out of the namespaces of a node that is left to Docker, until they are in none. A process that begins
 * on such a node looks at each: one before it may have ended in the middle of that.
 */
export class Leaving {
  readonly #rules: Pick<HeldRules, 'release'>;
  readonly #released = new Set<Namespace>();
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(rules: Pick<HeldRules, 'release'>) {
    this.#rules = rules;
  }

  /** From now on there may be rules in any namespace. */
  begin(): void {
    this.#released.clear();
  }

  /**
   * Releases what is not released yet, the host first: what it leads to is there until it leads there no more. Gives what
   * failed; that is tried again by the next call.
   */
  release(sandboxes: readonly Sandbox[]): Promise<readonly ApplyFailed[]> {
    const after = this.#underWay.then(async () => {
      const ofHost = await this.#releaseAll(['host']);
      return [...ofHost, ...(await this.#releaseAll(sandboxes))];
    });
    this.#underWay = after;
    return after;
  }

  async #releaseAll(namespaces: readonly Namespace[]): Promise<readonly ApplyFailed[]> {
    const failures: ApplyFailed[] = [];
    const release = async (namespace: Namespace) => {
      try {
        await this.#rules.release(namespace);
        this.#released.add(namespace);
      } catch (cause) {
        failures.push(new ApplyFailed(namespace, cause));
      }
    };
    await Promise.all(namespaces.filter((namespace) => !this.#released.has(namespace)).map(release));
    return failures;
  }
}

/** What a node reports of each revision while it is left to Docker. */
export function leftToDocker(node: string, mesh: Mesh, causes: readonly Cause[], trace: string): Success {
  const why = 'Fairway has no rules on this node since fairway uninstall; fairway install brings them back';
  return withoutRules(node, mesh, causes, trace, why);
}

/** What a node reports of a revision that it heard of and has no rules for. */
export function withoutRules(node: string, mesh: Mesh, causes: readonly Cause[], trace: string, why: string): Success {
  return {
    generation: mesh.generation,
    durationMs: 0,
    changes: { added: 0, removed: 0 },
    causes,
    notes: [{ kind: 'refused', about: `node ${mesh.nodes.get(node)?.claim?.name ?? node}`, why }],
    trace,
  };
}
