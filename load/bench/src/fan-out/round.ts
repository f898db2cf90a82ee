import { setTimeout as pause } from 'node:timers/promises';
import type { FanOut, Measuring } from '../measuring.ts';
import { percentile } from '../percentile.ts';
import { processorMs } from '../process-usage.ts';
import { configureBucket } from './bucket.ts';
import { monotonicMs } from './clock.ts';
import { type Delays, delaysOf } from './delays.ts';
import type { Figures } from './figures.ts';
import { Program } from './program.ts';
import { Servers } from './servers.ts';
import type { Way } from './watcher.ts';
import type { WatcherCommands } from './watchers.ts';
import type { WriterCommands, Written } from './writer.ts';

/** What a round is played with. */
export type Setting = FanOut & Pick<Measuring, 'report' | 'signal'>;

export const processes = 4;
export const slowWatchers = 5;
export const services = 200;
export const measuredMs = 20_000;
const warmUpMs = 2_000;
const idleMs = 5_000;
export const frozenMs = 20_000;
const memoryEveryMs = 250;

/** One round of one way on servers of its own: the start, the changes, readers that stand still, a server restarted. */
export async function playRound(way: Way, setting: Setting): Promise<Figures> {
  const { watchers, perSecond, report, signal } = setting;
  signal.throwIfAborted();
  const programs: Program<WatcherCommands>[] = [];
  const servers = await Servers.start(setting.servers);
  const writer = new Program<WriterCommands>(new URL('writer.ts', import.meta.url));
  // Whatever is asked of them then fails.
  signal.addEventListener('abort', () => {
    for (const program of [writer, ...programs]) program.stop();
  });
  try {
    await writer.ask('connect', servers.urls);
    await configureBucket(servers.urls[0] ?? '', setting.servers, way === 'republished');
    await writer.ask('fill', services);
    const start = () => {
      const program = new Program<WatcherCommands>(new URL('watchers.ts', import.meta.url));
      programs.push(program);
      return program;
    };
    const usual = Array.from({ length: processes }, start);
    const slow = start();
    await all(usual, (program) => program.ask('connect', way, servers.urls, watchers / processes));
    await slow.ask('connect', way, servers.urls, slowWatchers);
    const usualMs = () => usual.reduce((sum, { pid }) => sum + processorMs(pid), 0);
    const reached = async (revision: number, by: readonly Program<WatcherCommands>[]) =>
      Math.max(...(await all(by, (program) => program.ask('reached', revision))));
    const change = (forMs: number) => writer.ask('change', services, perSecond, forMs);
    const spent = async (work: () => Promise<unknown>) => {
      const before = { server: servers.processorMs, clients: usualMs() };
      await work();
      return { server: servers.processorMs - before.server, clients: usualMs() - before.clients };
    };
    const delays = async (written: readonly Written[]): Promise<Delays> => {
      await reached(last(written), usual);
      const known = await all(usual, (program) => program.ask('known', first(written), last(written)));
      return delaysOf(
        written.map(({ atMs }) => atMs),
        known.flat(),
      );
    };

    const startedMs = monotonicMs();
    const startMs = Math.max(...(await all(programs, (program) => program.ask('follow')))) - startedMs;
    report(`all caught up after ${startMs.toFixed(0)} ms`);

    await reached(last(await change(warmUpMs)), programs);
    const idle = await spent(() => pause(idleMs, undefined, { signal }));
    let written: readonly Written[] = [];
    const busy = await spent(async () => {
      written = await change(measuredMs);
      await reached(last(written), usual);
    });
    const serverMb = servers.residentMb;
    const { each, slowest } = await delays(written);
    report(`${written.length} changes heard by all`);
    const acked = written.map(({ atMs, ackedMs }) => ackedMs - atMs);

    let besideSlowServerMb = 0;
    const look = setInterval(() => {
      besideSlowServerMb = Math.max(besideSlowServerMb, servers.residentMb);
    }, memoryEveryMs);
    slow.freeze();
    const besides = await change(frozenMs).finally(() => clearInterval(look));
    const { slowest: besideSlow } = await delays(besides);
    const thawMs = monotonicMs();
    slow.thaw();
    const thawedMs = (await reached(last(besides), [slow])) - thawMs;
    report('those that stood still have heard all');

    await servers.restartLeader();
    const restartedMs = monotonicMs();
    const { revision } = await writer.ask('changeOnce', 0);
    const restartMs = (await reached(revision, programs)) - restartedMs;

    const entries = await writer.ask('entries');
    const sum = async (work: (program: Program<WatcherCommands>) => Promise<number>) =>
      (await all(programs, work)).reduce((total, one) => total + one, 0);
    return {
      startMs,
      idleServerPercent: (idle.server / idleMs) * 100,
      idleClientsPercent: (idle.clients / idleMs) * 100,
      ackedP50Ms: percentile(acked, 50),
      ackedP99Ms: percentile(acked, 99),
      slowestP50Ms: percentile(slowest, 50),
      slowestP99Ms: percentile(slowest, 99),
      slowestMaxMs: percentile(slowest, 100),
      eachP50Ms: percentile(each, 50),
      eachP99Ms: percentile(each, 99),
      serverS: busy.server / 1000,
      clientsS: busy.clients / 1000,
      serverMb,
      besideSlowP50Ms: percentile(besideSlow, 50),
      besideSlowP99Ms: percentile(besideSlow, 99),
      besideSlowServerMb,
      thawedMs,
      restartMs,
      caughtUps: await sum((program) => program.ask('caughtUps')),
      lacking: await sum((program) => program.ask('lacking', entries)),
    };
  } finally {
    for (const program of programs) program.stop();
    writer.stop();
    await servers.remove();
  }
}

function all<Item, Answer>(items: readonly Item[], ask: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(items.map(ask));
}

function first(written: readonly Written[]): number {
  return written[0]?.revision ?? Number.NaN;
}

function last(written: readonly Written[]): number {
  return written.at(-1)?.revision ?? Number.NaN;
}
