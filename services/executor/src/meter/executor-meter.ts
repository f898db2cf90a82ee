import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Came } from '../executor.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** Seconds, from a change of one element to a table of ten thousand services on a busy machine. */
const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const elementsBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 10_000, 50_000];

/**
 * What an executor counts, for Prometheus. Names and units as https://prometheus.io/docs/practices/naming/ has them; no label
 * has more values than there are kinds.
 */
export class ExecutorMeter {
  readonly #seconds: Histogram<'namespace' | 'result'>;
  readonly #elements: Histogram<'namespace'>;
  readonly #outcomes: Counter<'kind'>;
  readonly #findings: Counter<'namespace'>;
  readonly #revision: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'fairway_transaction_duration_seconds',
      help: 'What the kernel took for one transaction, with the programs that bring it there.',
      labelNames: ['namespace', 'result'],
      buckets: secondsBuckets,
      registers,
    });
    this.#elements = new Histogram({
      name: 'fairway_transaction_elements',
      help: 'How many elements one transaction added and removed.',
      labelNames: ['namespace'],
      buckets: elementsBuckets,
      registers,
    });
    this.#outcomes = new Counter({
      name: 'fairway_outcomes_total',
      help: 'What rounds that changed something came to (applied, failed), and how often something of others was found (drifted) and put right (repaired).',
      labelNames: ['kind'],
      registers,
    });
    this.#findings = new Counter({
      name: 'fairway_drift_findings_total',
      help: 'How many things others had changed of what Fairway owns.',
      labelNames: ['namespace'],
      registers,
    });
    this.#revision = new Gauge({
      name: 'fairway_applied_revision',
      help: "The last revision of the mesh to which this node's kernel was brought.",
      registers,
    });
    // What has not happened yet is told as that: of a series that begins with its first one Prometheus sees no increase.
    for (const kind of ['applied', 'failed', 'drifted', 'repaired']) this.#outcomes.inc({ kind }, 0);
    for (const namespace of ['host', 'host forwarding', 'ingress', 'network']) this.#findings.inc({ namespace }, 0);
    for (const namespace of ['host', 'ingress', 'network'])
      for (const result of ['applied', 'failed']) this.#seconds.zero({ namespace, result });
  }

  /** The same kernel, of which each transaction is counted. */
  counting(kernel: Kernel): Kernel {
    return {
      ...kernel,
      apply: async (namespace, transaction) => {
        const end = this.#seconds.startTimer({ namespace: kindOf(namespace) });
        const { added, removed } = transaction.changes;
        try {
          const done = await kernel.apply(namespace, transaction);
          end({ result: 'applied' });
          this.#elements.observe({ namespace: kindOf(namespace) }, added + removed);
          return done;
        } catch (error) {
          end({ result: 'failed' });
          throw error;
        }
      },
    };
  }

  came(outcome: Came): void {
    this.#outcomes.inc({ kind: outcome.kind });
    if (outcome.kind === 'applied') this.#revision.set(outcome.to);
    if (outcome.kind === 'drifted') this.#findings.inc({ namespace: kindOf(outcome.namespace) }, outcome.found.length);
  }
}

/** A network's sandbox is one of many: by name each would be a series of its own. */
function kindOf(namespace: string): 'host' | 'host forwarding' | 'ingress' | 'network' {
  return namespace === 'host' || namespace === 'host forwarding' || namespace === 'ingress' ? namespace : 'network';
}
