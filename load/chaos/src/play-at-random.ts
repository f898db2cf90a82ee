import type { Traffic } from '@fairway/traffic';
import { type Played, play } from './play.ts';
import type { Scenario } from './scenario.ts';
import { alone, changes, scenarios } from './scenarios/index.ts';
import { nowMs, type Stage } from './stage.ts';

/** So often a service changes while something goes wrong. */
const togetherChance = 0.4;

/** Plays one scenario after the other as chance has it, some with a change of a service at the same time, for so long. */
export async function playAtRandom(
  stage: Stage,
  traffic: Traffic,
  forMs: number,
  report: (played: Played) => void,
): Promise<readonly Played[]> {
  const endMs = nowMs() + forMs;
  const all: Played[] = [];
  while (nowMs() < endMs) {
    const played = await play(stage, traffic, drawn(stage));
    all.push(played);
    report(played);
    // From what is not healed nothing can be learned.
    if (played.failure !== undefined) break;
  }
  return all;
}

function drawn({ chance }: Stage): readonly Scenario[] {
  const [one, change] = [chance.pick(scenarios), chance.pick(changes)];
  if (!one) return [];
  const together = chance.happens(togetherChance) && !alone.includes(one) && !changes.includes(one);
  return together && change ? [one, change] : [one];
}
