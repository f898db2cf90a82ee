import { type Bus, type Stoppable, subjects, writeKernelTables } from '@fairway/bus';
import type { Kernel } from './kernel/kernel.ts';
import { kernelTables } from './kernel-tables.ts';

/** What a node answers when it is asked; it answers to its node id of the day. */
export type Answers = {
  /** This machine is that node now, or none. */
  as(node: string | undefined): void;
  stop(): Promise<void>;
};

/** Answers questions about this node: `rules`, what is in its kernel. */
export function startAnswers({ bus, kernel }: { readonly bus: Bus; readonly kernel: Kernel }): Answers {
  let known: string | undefined;
  let answering: Stoppable[] = [];
  const end = () => Promise.all(answering.splice(0).map((one) => one.stop()));
  return {
    as(node) {
      if (node === known) return;
      known = node;
      void end();
      if (node === undefined) return;
      answering = [bus.answer(subjects.ask(node, 'rules'), async () => writeKernelTables(await kernelTables(kernel)))];
    },
    async stop() {
      await end();
    },
  };
}
