import { describe, expect, it } from 'vitest';
import { Admission, nodeAllowance, swarmAllowance, type Verdict } from './admission.ts';
import { subjects } from './subjects.ts';

const container = (node: string) => subjects.fact(node, 'container', 's');
const small = 0;
const { burst, perSecond } = nodeAllowance;

/** What so many hear that are told at one time. */
function judged(admission: Admission, subject: string, atMs: number, count: number, bytes = small): Verdict[] {
  return Array.from({ length: count }, () => admission.judge(subject, bytes, atMs));
}

const admitted = (verdicts: readonly Verdict[]) => verdicts.filter(({ kind }) => kind === 'admitted').length;
const waits = (verdicts: readonly Verdict[]) =>
  verdicts.flatMap((verdict) => (verdict.kind === 'refused' ? [verdict.waitMs] : []));

/** How many of those told one each `everyMs` are admitted. */
function over(admission: Admission, subject: string, fromMs: number, toMs: number, everyMs: number): number {
  const verdicts: Verdict[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += everyMs) verdicts.push(admission.judge(subject, small, atMs));
  return admitted(verdicts);
}

describe('admission', () => {
  it('takes a burst at once, and then what the rate gives', () => {
    const admission = new Admission();
    expect(admitted(judged(admission, container('n1'), 0, 2 * burst))).toBe(burst);
    expect(over(admission, container('n1'), 0, 10_000, 1)).toBe(10 * perSecond - 1);
  });

  it('says how long to wait, and takes it then', () => {
    const admission = new Admission();
    const waitMs = 1000 / perSecond;
    expect(waits(judged(admission, container('n1'), 0, burst + 1))).toEqual([waitMs]);
    expect(admission.judge(container('n1'), small, waitMs - 1)).toMatchObject({ kind: 'refused' });
    expect(admission.judge(container('n1'), small, waitMs)).toEqual({ kind: 'admitted' });
  });

  it('tells those that it refuses to come one after the other, and none of them to wait for long', () => {
    const refused = waits(judged(new Admission(), container('n1'), 0, burst + 1_500));
    expect(refused.slice(0, 3)).toEqual([10, 20, 30]);
    expect(refused).toHaveLength(1_500);
    expect(Math.max(...refused)).toBe(10_000);
  });

  it('takes the whole burst again after silence', () => {
    const admission = new Admission();
    judged(admission, container('n1'), 0, 2 * burst);
    expect(admitted(judged(admission, container('n1'), (1000 * burst) / perSecond, 2 * burst))).toBe(burst);
  });

  it('takes nothing from one sender for another', () => {
    const admission = new Admission();
    judged(admission, container('flood'), 0, 3 * burst);
    expect(over(admission, container('calm'), 0, 1_000, 10)).toBe(100);
  });

  it('counts large messages for several', () => {
    expect(admitted(judged(new Admission(), container('n1'), 0, 100, 1024 * 1024))).toBe(Math.floor(burst / 257));
  });

  it('takes more of what is told of the swarm, apart from what its sender tells of itself', () => {
    const admission = new Admission();
    const { burst: most } = swarmAllowance;
    expect(admitted(judged(admission, subjects.fact('n1', 'service', 's'), 0, most + 1))).toBe(most);
    expect(admission.judge(subjects.fact('n1', 'network', 'n'), small, 0)).toMatchObject({ kind: 'refused' });
    expect(admission.judge(container('n1'), small, 0)).toEqual({ kind: 'admitted' });
    expect(admission.judge(subjects.outcome('n1', 'applied'), small, 0)).toEqual({ kind: 'admitted' });
  });

  it('tells a flood from who waits when told to', () => {
    const floods = (verdicts: readonly Verdict[]) => verdicts.some(({ kind }) => kind === 'flood');
    const heedless = new Admission();
    expect(floods(judged(heedless, container('n1'), 0, burst + 20 * perSecond))).toBe(false);
    expect(floods(judged(heedless, container('n1'), 0, 1))).toBe(true);
    expect(floods(judged(new Admission(), container('n1'), 0, 30, 1024 * 1024))).toBe(true);

    // A hundred that each come again when they were told to.
    const heeding = new Admission();
    judged(heeding, container('n1'), 0, burst);
    const dueMs = Array.from({ length: 100 }, () => 0);
    const all: Verdict[] = [];
    for (let nowMs = 0; nowMs < 20_000; nowMs++) {
      dueMs.forEach((atMs, who) => {
        if (atMs > nowMs) return;
        const verdict = heeding.judge(container('n1'), small, nowMs);
        all.push(verdict);
        dueMs[who] = nowMs + (verdict.kind === 'refused' ? verdict.waitMs : 1);
      });
    }
    expect(floods(all)).toBe(false);
    expect(admitted(all)).toBeGreaterThan(19 * perSecond);
  });

  it('remembers no sender for ever', () => {
    const admission = new Admission();
    for (let n = 0; n < 30_000; n++) admission.judge(container(`n${n}`), small, n);
    expect(admission.senders).toBeLessThan(15_000);
  });
});
