import type { Played, Run } from './play.ts';

/** All that was played, as a table for people. */
export function tableOf(all: readonly Played[]): string {
  const rows = all.map((played) => [
    played.name,
    played.failure === undefined ? 'ok' : 'failed',
    `${played.asked}`,
    `${played.failed}`,
    `${played.late}`,
    `${played.absent}`,
    played.outageMs.toFixed(0),
    played.badMs.toFixed(0),
    secondsOf(played.healMs),
  ]);
  const heads = [
    'scenario',
    '',
    'requests',
    'failed',
    'late',
    'by who was away',
    'longest outage ms',
    'last bad request after ms',
  ];
  return table([...heads, 'healed after s'], rows);
}

/** Runs at random: a row for each seed, and then one for each scenario, of all times that it was played. */
export function runsOf(runs: readonly Run[]): string {
  const bySeed = runs.map(({ seed, played }) => [`${seed}`, ...sumOf(played)]);
  const byName = [
    ...Map.groupBy(
      runs.flatMap(({ played }) => played),
      ({ name }) => name,
    ),
  ].sort(([a], [b]) => a.localeCompare(b));
  const heads = [
    'played',
    'not ok',
    'requests',
    'failed',
    'late',
    'by who was away',
    ...['longest outage ms', 'last bad request after ms', 'healed after s'].map((head) => `worst: ${head}`),
  ];
  return [
    table(['seed', ...heads], bySeed),
    table(
      ['scenario', ...heads],
      byName.map(([name, played]) => [name, ...sumOf(played)]),
    ),
  ].join('\n');
}

function sumOf(played: readonly Played[]): readonly string[] {
  const sum = (of: (one: Played) => number) => `${played.reduce((all, one) => all + of(one), 0)}`;
  const worst = (of: (one: Played) => number) => Math.max(0, ...played.map(of));
  return [
    `${played.length}`,
    `${played.filter(({ failure }) => failure !== undefined).length}`,
    sum(({ asked }) => asked),
    sum(({ failed }) => failed),
    sum(({ late }) => late),
    sum(({ absent }) => absent),
    worst(({ outageMs }) => outageMs).toFixed(0),
    worst(({ badMs }) => badMs).toFixed(0),
    secondsOf(worst(({ healMs }) => healMs)),
  ];
}

/** The same scenarios with Docker's own mesh and with Fairway, side by side. What one of them has not played is left open. */
export function comparisonOf(docker: readonly Played[], fairway: readonly Played[]): string {
  const cells = (played: Played | undefined) =>
    played
      ? [`${played.failed} and ${played.late} of ${played.asked}`, played.outageMs.toFixed(0), healOf(played)]
      : ['', '', ''];
  const rows = docker.map((played) => [
    played.name,
    ...cells(played),
    ...cells(fairway.find(({ name }) => name === played.name)),
  ]);
  const heads = ['requests failed and late', 'longest outage ms', 'healed after s'];
  const named = (mesh: string) => heads.map((head) => `${mesh}: ${head}`);
  return table(['scenario', ...named('Docker'), ...named('Fairway')], rows);
}

function healOf({ failure, healMs }: Played): string {
  return failure === undefined ? secondsOf(healMs) : `not after ${secondsOf(healMs)}`;
}

function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
