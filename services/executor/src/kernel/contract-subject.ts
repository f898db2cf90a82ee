import { beforeEach } from 'vitest';
import { difference, removal } from '../rules/difference.ts';
import type { WishFor } from '../rules/rules.ts';
import type { Kernel, Namespace, NetworkSandbox, RulesOf } from './kernel.ts';

/** A kernel without Fairway's tables, and what the test may do to it. */
export type Subject = {
  readonly kernel: Kernel;
  /** The sandbox of an overlay network, which does not forward packets yet. */
  readonly networkSandbox: NetworkSandbox;
  replaceSandbox(): Promise<void>;
  removeSandbox(): Promise<void>;
};

/**
 * Opens a subject before each test, and gives its verbs.
 * @param patience how often a verb may fail before the test does: 1 where failures are off
 */
export function openEach(open: () => Promise<Subject>, patience: number) {
  let subject: Subject;
  beforeEach(async () => {
    subject = await open();
  });

  async function trying<T>(verb: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await verb();
      } catch (error) {
        if (tries >= patience) throw error;
      }
    }
  }

  return {
    get kernel() {
      return subject.kernel;
    },
    get networkSandbox() {
      return subject.networkSandbox;
    },
    replaceSandbox: () => subject.replaceSandbox(),
    removeSandbox: () => subject.removeSandbox(),
    trying,
    read: <N extends Namespace>(namespace: N) => trying(() => subject.kernel.read(namespace)),
    /** As the executor does: read, apply the difference, and read again where it failed. */
    bring<N extends Namespace>(namespace: N, wish: WishFor<RulesOf<N>>) {
      return trying(async () => {
        const { kernel } = subject;
        const { transaction, rules } = difference<RulesOf<N>>(
          await kernel.read(namespace),
          wish,
          true,
          kernel.balancer,
        );
        if (transaction) await kernel.apply(namespace, transaction);
        return rules;
      });
    },
    remove(namespace: Namespace) {
      return trying(async () => {
        const found = await subject.kernel.read(namespace);
        const { rules, servers } = found ? removal(found) : {};
        for (const transaction of [rules, servers]) if (transaction) await subject.kernel.apply(namespace, transaction);
      });
    },
  };
}
