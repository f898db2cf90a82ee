import { patience } from '@fairway/cluster';
import { type BadRequest, startTraffic, type Traffic } from '@fairway/traffic';
import type { Scenario } from './scenario.ts';
import { nowMs, type Stage, steady } from './stage.ts';
import { judge, type Spell, spellsOf, type Verdict } from './verdict.ts';

/** What playing a scenario came to. */
export type Played = Verdict & {
  readonly name: string;
  readonly asked: number;
  /** From its begin until rules and swarm were as they should be, milliseconds. */
  readonly healMs: number;
  /** Why it failed; undefined where all was as it should be. */
  readonly failure: string | undefined;
};

/** Scenarios that were played one after the other, by what chance gave from one seed. */
export type Run = { readonly seed: number; readonly played: readonly Played[] };

/** By each node, fifty requests a second. */
const everyMs = 20;
/** A SYN that went to nobody is sent again after a second: what takes less was slow, and not lost. */
const lateMs = 950;
/** Requests of before and after are its own too: what was begun last is to be answered, or known as late. */
const aroundMs = 1_000;

/** Begins to ask every node of the swarm. */
export function startAsking({ cluster, nodes }: Stage): Traffic {
  const targets = nodes.map(({ address }) => `${address}:${steady.port}`);
  // On a machine that is so much slower, as the lab's, the same load is so many requests fewer.
  return startTraffic(cluster, { targets, everyMs: everyMs * patience(), lateMs });
}

/** Lets scenarios happen at once under the traffic, waits until all is healed, and judges the requests meanwhile. */
export async function play(stage: Stage, traffic: Traffic, scenarios: readonly Scenario[]): Promise<Played> {
  stage.notes.forget(nowMs());
  const from = { bad: traffic.bad.length, asked: traffic.counts.asked };
  await stage.pause(aroundMs);
  const startMs = nowMs();
  let failure: string | undefined;
  try {
    await Promise.all(scenarios.map((scenario) => scenario.happen(stage)));
    await stage.healed();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
    await stage.mend();
  }
  const healMs = nowMs() - startMs;
  await stage.pause(aroundMs);
  const { blows, absences } = stage.notes;
  const verdict = judge(traffic.bad.slice(from.bad), { blows, absences, startMs });
  if (stage.isJudged && verdict.unexcused.length > 0)
    failure ??= [
      `${verdict.unexcused.length} requests were bad that nothing excuses:`,
      ...spellsOf(verdict.unexcused).map((spell) => showSpell(spell, startMs)),
    ].join('\n       ');
  return {
    ...verdict,
    name: scenarios.map(({ name }) => name).join(' + '),
    asked: traffic.counts.asked - from.asked,
    healMs,
    failure,
  };
}

/** An answer that is late though its client was connected soon had to wait for its task, and no SYN of it was lost. */
function showSpell({ first, last, count, shortestMs, longestMs, connectMs }: Spell, startMs: number): string {
  const connected = connectMs > 0 ? `, connected within ${connectMs.toFixed(0)} ms` : '';
  const after = ({ atMs }: BadRequest) => ((atMs - startMs) / 1000).toFixed(3);
  return `${first.target} ${first.bad} ${count} times, from ${after(first)} to ${after(last)} s after it began, in ${shortestMs.toFixed(0)} to ${longestMs.toFixed(0)} ms${connected}`;
}

/** In a line, and those of what failed. */
export function showPlayed({ name, asked, failed, late, absent, outageMs, badMs, healMs, failure }: Played): string {
  const excused = absent > 0 ? ` (and ${absent} bad by who was away)` : '';
  const requests = `${failed} of ${asked} requests failed, ${late} late${excused}`;
  const times = `longest outage ${outageMs.toFixed(0)} ms, bad for ${badMs.toFixed(0)} ms, healed after ${(healMs / 1000).toFixed(1)} s`;
  return `${failure === undefined ? 'ok    ' : 'FAILED'} ${name}: ${requests}; ${times}${failure === undefined ? '' : `\n       ${failure}`}`;
}
