/** What one round of one way came to. Times in milliseconds, processor time in seconds, memory in MiB. */
export type Figures = {
  readonly startMs: number;
  readonly idleServerPercent: number;
  readonly idleClientsPercent: number;
  readonly ackedP50Ms: number;
  readonly ackedP99Ms: number;
  readonly slowestP50Ms: number;
  readonly slowestP99Ms: number;
  readonly slowestMaxMs: number;
  readonly eachP50Ms: number;
  readonly eachP99Ms: number;
  readonly serverS: number;
  readonly clientsS: number;
  readonly serverMb: number;
  readonly besideSlowP50Ms: number;
  readonly besideSlowP99Ms: number;
  readonly besideSlowServerMb: number;
  readonly thawedMs: number;
  readonly restartMs: number;
  readonly caughtUps: number;
  readonly lacking: number;
};

/** What each figure is called in a table, with its unit, in the order of the round. */
export const figureNames: Readonly<Record<keyof Figures, string>> = {
  startMs: 'all caught up after the start, ms',
  idleServerPercent: 'server while nothing changes, % of one processor',
  idleClientsPercent: 'all watchers while nothing changes, % of one processor',
  ackedP50Ms: 'put to its acknowledgement, p50 ms',
  ackedP99Ms: 'put to its acknowledgement, p99 ms',
  slowestP50Ms: 'put to heard by the slowest watcher, p50 ms',
  slowestP99Ms: 'put to heard by the slowest watcher, p99 ms',
  slowestMaxMs: 'put to heard by the slowest watcher, max ms',
  eachP50Ms: 'put to heard, over all watchers, p50 ms',
  eachP99Ms: 'put to heard, over all watchers, p99 ms',
  serverS: 'server, processor seconds',
  clientsS: 'all watchers, processor seconds',
  serverMb: 'server, resident MB',
  besideSlowP50Ms: 'beside frozen watchers: heard by the slowest of the others, p50 ms',
  besideSlowP99Ms: 'beside frozen watchers: heard by the slowest of the others, p99 ms',
  besideSlowServerMb: 'beside frozen watchers: server, most resident MB',
  thawedMs: 'frozen watchers go on: until they have heard all, ms',
  restartMs: 'server restarted: until all have heard a change made after it, ms',
  caughtUps: 'times that watchers caught up, the first time included',
  lacking: 'watchers that lack a last entry in the end',
};
