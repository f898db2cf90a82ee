import type { Examination, Finding } from '@fairway/mesh';

/** An answer takes some milliseconds; what is more than this is the clock. */
const offsetMaxMs = 1_000;

/** A node's examination, its clock compared with the console's: it cannot know by itself. */
export function judgeClock({ clockMs, ...examined }: Examination, nowMs: number): Examination {
  if (clockMs === undefined) return examined;
  const aheadMs = clockMs - nowMs;
  const looked = [...examined.looked, 'its clock'];
  if (Math.abs(aheadMs) <= offsetMaxMs) return { ...examined, looked };
  const finding: Finding = {
    kind: 'wrong',
    where: 'clock',
    what: `it is ${(Math.abs(aheadMs) / 1000).toFixed(1)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the console's`,
    breaks: 'certificates count as expired, or as not valid yet, sooner than they are; times of events mislead',
    mend: 'chronyc makestep, or timedatectl set-ntp true, on the one of the two that is wrong',
  };
  return { ...examined, looked, findings: [...examined.findings, finding] };
}
