import { type Explanation, shortTrace } from '@fairway/mesh';
import { showAge } from './age.ts';
import { table } from './table.ts';

/** Where a node leads a target, why, and what its kernel has; `nowMs` for ages. */
export function showExplanation(explanation: Explanation, nowMs: number): string {
  const { node, target, revision, service, unserved, backends, kernel, notes, causes } = explanation;
  const of = service === undefined ? '' : ` (${service})`;
  const used = backends.filter(({ planned }) => planned).length;
  const refused = used === 0 ? ', which has no task to send to: connections are refused' : '';
  const first =
    unserved === undefined
      ? `${node} leads ${target} to ${service ?? 'a service that it does not know any more'}${refused}.\n`
      : `${node} does not serve ${target}${of}: ${unserved}.\n`;
  const tasks = table(
    ['TASK', 'SERVICE', 'NODE', 'ADDRESS', 'STATE', 'SINCE', 'PLANNED', 'IN THE KERNEL'],
    backends.map(({ task, service: its, node: on, address, state, sinceMs, planned, held }) => [
      ...[task, its, on, address ?? '-', state, showAge(sinceMs, nowMs)],
      ...[planned ? 'yes' : 'no', unserved === undefined ? sure(held) : '-'],
    ]),
  );
  const waits = [
    ...backends.flatMap(({ task, awaited }) =>
      awaited === undefined ? [] : [`  ${service}: task ${task} waits for ${awaited}\n`],
    ),
    ...notes.filter(({ kind }) => kind === 'waiting').map(({ about, why }) => `  ${about}: ${why}\n`),
  ];
  const needs = notes.filter(({ kind }) => kind === 'refused').map(({ about, why }) => `  ${about}: ${why}\n`);
  const changes = causes.map(
    ({ event, atMs, trace }) => `  ${new Date(atMs).toISOString()}  ${event}  trace ${shortTrace(trace) ?? '-'}\n`,
  );
  return [
    first,
    part('Needs you', needs),
    part('Waiting', waits),
    tasks,
    part(
      'In the kernel',
      kernel.map(({ what, held }) => `  ${what}: ${sure(held)}\n`),
    ),
    part(`Changed by, up to revision ${revision}`, changes),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

function part(heading: string, lines: readonly string[]): string {
  return lines.length > 0 ? `${heading}:\n${lines.join('')}` : '';
}

function sure(held: boolean | undefined): string {
  if (held === undefined) return 'not read';
  return held ? 'yes' : 'no';
}
