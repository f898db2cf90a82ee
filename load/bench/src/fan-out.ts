import { loadavg } from 'node:os';
import { ensureToolchain } from '@fairway/cluster';
import { comparisonTable } from './fan-out/comparison.ts';
import type { Figures } from './fan-out/figures.ts';
import { frozenMs, measuredMs, playRound, processes, services, slowWatchers } from './fan-out/round.ts';
import { serviceEntry } from './fan-out/service-entry.ts';
import type { Way } from './fan-out/watcher.ts';
import type { FanOut, Measuring } from './measuring.ts';

/** What two cores can just do beside other work: many changes to few watchers, and few changes to many. */
const settings: readonly FanOut[] = [
  { servers: 1, watchers: 40, perSecond: 100 },
  { servers: 1, watchers: 1000, perSecond: 2 },
];

/** A round takes a minute, where what is changed reaches the watchers at all. */
const roundMaxMs = 240_000;

const ways: readonly Way[] = ['ordered', 'republished'];

/** How watchers of one bucket hear of changes, two ways in turn: ordered consumers, and republish with subscriptions. */
export async function measureFanOut({ rounds, fanOut, report, signal }: Measuring): Promise<string> {
  await ensureToolchain(report);
  const sections: string[] = [];
  for (const setting of fanOut ? [fanOut] : settings) {
    const title = titleOf(setting);
    const played: Record<Way, Figures[]> = { ordered: [], republished: [] };
    const unended: string[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (const way of ways) {
        report(`${title}, round ${round} of ${rounds}, ${way}; load ${loadavg()[0]?.toFixed(1)}`);
        const limit = AbortSignal.any([signal, AbortSignal.timeout(roundMaxMs)]);
        try {
          const figures = await playRound(way, { ...setting, report, signal: limit });
          report(JSON.stringify(figures));
          played[way].push(figures);
        } catch (error) {
          signal.throwIfAborted();
          const why = limit.aborted ? `not over after ${roundMaxMs / 1000} s` : (error as Error).message.split('\n')[0];
          report(`${why}`);
          unended.push(`Round ${round}, ${way}: ${why}.\n`);
        }
      }
    }
    sections.push([`## ${title}\n`, comparisonTable(played), ...unended].join('\n'));
  }
  const bytes = Buffer.byteLength(serviceEntry(0, 1));
  return `Watchers of one bucket in ${processes} processes, each on a connection of its own, and ${slowWatchers} more in another, all on the
machine of the server. ${services} entries of ${bytes} bytes (a service of 20 tasks), changed one after the other for ${measuredMs / 1000} s; then for
${frozenMs / 1000} s with those ${slowWatchers} standing still. ${rounds} rounds, both ways in turn: medians, least and most, and the ratio of the
medians. Other work was going on beside: the ratios say more than the figures.

${sections.join('\n')}`;
}

function titleOf({ servers, watchers, perSecond }: FanOut): string {
  const kept = servers === 1 ? 'one server' : `${servers} servers with as many replicas`;
  return `${watchers} watchers, ${perSecond} changes a second, ${kept}`;
}
