import {
  type NodeBus,
  type NodeRequest,
  readQuestion,
  readRequest,
  type Stoppable,
  subjects,
  writeExamination,
  writeExplanation,
  writeHandover,
  writeKernelTables,
  writeServiceInDocker,
} from '@fairway/bus';
import { type Examination, type Explanation, parseAsked, type ServiceInDocker } from '@fairway/mesh';
import type { Executor } from './executor.ts';
import { explain, namespacesOf } from './explain.ts';
import type { Handover } from './handover.ts';
import { type Kernel, type Namespace, nameOf } from './kernel/kernel.ts';
import { kernelTables } from './kernel-tables.ts';
import type { Rules } from './rules/rules.ts';

/** What a node answers when it is asked; it answers to its node id of the day. */
export type Answers = {
  /** This machine is that node now, or none. */
  as(node: string | undefined): void;
  stop(): Promise<void>;
};

/**
 * Answers questions about this node: `rules`, what is in its kernel, `explain`, where it leads a target and why, `audit`, how
 * Docker's own mesh is there, `doctor`, what keeps the mesh from working, and `service`, what its Docker has of one, which a manager's knows. And does what it is asked to:
 * `uninstall` and `install`, to leave the node to Docker and to take it back.
 */
export function startAnswers({
  bus,
  kernel,
  executor,
  handover,
  inDocker,
  audit,
  doctor,
}: {
  readonly bus: NodeBus;
  readonly kernel: Kernel;
  readonly executor: Pick<Executor, 'planned' | 'handOver' | 'takeBack'>;
  /** Remembers that the node is left to Docker, beyond this process. */
  readonly handover: Pick<Handover, 'remember'>;
  /** What its Docker has of a service; rejects where it is no manager's. */
  readonly inDocker: (service: string) => Promise<ServiceInDocker | undefined>;
  /** Compares Docker's own mesh with what it should be; rejects where nothing can be compared with. */
  readonly audit: () => Promise<Examination>;
  /** Looks for what keeps the mesh from working here. */
  readonly doctor: () => Promise<Examination>;
}): Answers {
  let known: string | undefined;
  let answering: Stoppable[] = [];
  const end = () => Promise.all(answering.splice(0).map((one) => one.stop()));
  return {
    as(node) {
      if (node === known) return;
      known = node;
      void end();
      if (node === undefined) return;
      // A question of another release may ask for something else: what cannot be read is refused with the reason.
      const on = (
        question: 'rules' | 'explain' | 'audit' | 'doctor' | 'service',
        answer: (target: string) => Promise<string>,
      ) => {
        const subject = subjects.ask(node, question);
        return bus.answer(subject, async (text) => answer(readQuestion(subject, text) ?? ''));
      };
      const onRequest = (request: NodeRequest, answer: () => Promise<string>) => {
        const subject = subjects.ask(node, request);
        return bus.answer(subject, async (text) => {
          readRequest(subject, text, request);
          return answer();
        });
      };
      answering = [
        on('rules', async () => writeKernelTables(await kernelTables(kernel))),
        on('explain', async (target) => writeExplanation(await explainNow(target, kernel, executor))),
        on('audit', async () => writeExamination(await audit())),
        on('doctor', async () => writeExamination(await doctor())),
        on('service', async (service) => writeServiceInDocker(await inDocker(service))),
        onRequest('uninstall', async () => {
          // First: a process that ends amid it goes on with it when it is started again.
          await handover.remember(true);
          return writeHandover({ released: (await executor.handOver()).map(nameOf) });
        }),
        onRequest('install', async () => {
          await handover.remember(false);
          await executor.takeBack();
          return writeHandover({ released: [] });
        }),
      ];
    },
    async stop() {
      await end();
    },
  };
}

/** The last plan and the kernel as it is now. */
async function explainNow(text: string, kernel: Kernel, executor: Pick<Executor, 'planned'>): Promise<Explanation> {
  const asked = parseAsked(text);
  if (!asked) throw new Error(`${text} is neither a port (8000, 53/udp) nor a virtual IP`);
  const planned = executor.planned();
  if (!planned) throw new Error('it has made no plan yet, or is in no swarm');
  const found = new Map<Namespace, Rules | undefined>();
  for (const namespace of namespacesOf(asked, planned)) {
    // What could not be read is told as that.
    await kernel.read(namespace).then(
      (read) => found.set(namespace, read?.rules),
      () => {},
    );
  }
  return explain(asked, planned, found);
}
