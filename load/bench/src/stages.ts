import { percentile } from './percentile.ts';
import type { Span } from './span.ts';

/**
 * One change as the traces tell of it, milliseconds after Docker's event; over all nodes the slowest one counts. Of the end of a
 * task nodes hear ahead of the mesh (decision 0016): it may be applied before it is decided.
 */
export type Stages = {
  /** The watcher has read the event. */
  readonly seen: number;
  /** The decider has written the mesh. */
  readonly decided: number;
  /** Every node has computed its plan and what to change. */
  readonly planned: number;
  /** Every node's kernel has acknowledged the rules. */
  readonly applied: number;
  /** Every node has ended its round: connections to a dead task are dropped, too. */
  readonly ended: number;
};

/**
 * The stages of the change that a container's event began, from the spans of its trace; undefined while they are not
 * all there.
 */
export function stagesOf(spans: readonly Span[], eventMs: number, nodes: number): Stages | undefined {
  const seen = spans.find(({ name }) => name === 'send fairway.fact');
  const decided = spans.find(({ name }) => name === 'process fairway.fact');
  const applies = spans.filter(({ name }) => name === 'apply');
  const kernels = spans.filter(
    ({ name, parent }) => name.startsWith('nft ') && applies.some(({ spanId }) => spanId === parent),
  );
  if (!seen || !decided || new Set(applies.map(({ attributes }) => attributes['fairway.node'])).size < nodes)
    return undefined;
  const slowest = (held: readonly Span[], of: (span: Span) => number) => Math.max(...held.map(of)) - eventMs;
  return {
    seen: seen.startMs - eventMs,
    decided: decided.endMs - eventMs,
    planned: slowest(applies, ({ eventsMs, startMs }) => eventsMs.planned ?? startMs),
    applied: slowest(kernels, ({ endMs }) => endMs),
    ended: slowest(applies, ({ endMs }) => endMs),
  };
}

/** A table of what was measured, by stage: the middle, and the slow end. */
export function stageTable(rows: readonly { readonly stage: string; readonly values: readonly number[] }[]): string {
  const shown = (value: number) => (Number.isNaN(value) ? '-' : value.toFixed(1));
  const lines = rows.map(
    ({ stage, values }) =>
      `| ${stage} | ${values.length} | ${[50, 90, 99, 100].map((of) => shown(percentile(values, of))).join(' | ')} |`,
  );
  return `| stage | changes | p50 ms | p90 ms | p99 ms | slowest ms |\n| --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}
