import type { BadRequest } from '@fairway/traffic';

/** When something struck, and for how long requests may be bad because of it: not at all, where it is 0. Milliseconds. */
export type Blow = { readonly what: string; readonly atMs: number; readonly badMaxMs: number };

/** While a node itself was cut off: what is asked of it then nobody can answer. */
export type Absence = { readonly address: string; readonly fromMs: number; readonly toMs: number };

/** What a scenario's requests came to; milliseconds. */
export type Verdict = {
  /** Without an answer. */
  readonly failed: number;
  /** Answered late. */
  readonly late: number;
  /** The longest time in which one node answered no request as it should. */
  readonly outageMs: number;
  /** From a blow to the begin of the last bad request after it and before the next; the longest of all blows. */
  readonly badMs: number;
  /** Bad requests that nothing excuses. */
  readonly unexcused: readonly BadRequest[];
};

/**
 * A SYN that goes to nobody is sent again after one second and then two (RFC 6298, 2.1). What is late by less may have waited
 * for a processor as well, when containers start: it is counted, and needs no excuse.
 */
const lostTwiceMs = 2_900;

/** One bad request more than so long after another is of another outage. */
const outageGapMs = 250;

/** Judges the bad requests of a scenario. One that was under way when something struck is of that. */
export function judge(bad: readonly BadRequest[], blows: readonly Blow[], absences: readonly Absence[]): Verdict {
  const counted = bad.filter((request) => !isAbsent(request, absences)).sort((a, b) => a.atMs - b.atMs);
  return {
    failed: counted.filter((request) => request.bad !== 'late').length,
    late: counted.filter((request) => request.bad === 'late').length,
    outageMs: Math.max(0, ...outages(counted)),
    badMs: Math.max(0, ...counted.map((request) => sinceLast(request, blows))),
    unexcused: counted.filter((request) => !isExcused(request, blows) && !isSlow(request)),
  };
}

function isSlow({ bad, tookMs }: BadRequest): boolean {
  return bad === 'late' && tookMs < lostTwiceMs;
}

/** From just before to just after it, as its start and its end are told by different clocks' readings of a process. */
function isAbsent({ target, atMs, tookMs }: BadRequest, absences: readonly Absence[]): boolean {
  return absences.some(
    ({ address, fromMs, toMs }) => target.startsWith(`${address}:`) && atMs + tookMs >= fromMs && atMs <= toMs,
  );
}

function isExcused({ atMs, tookMs }: BadRequest, blows: readonly Blow[]): boolean {
  return blows.some((blow) => blow.badMaxMs > 0 && atMs + tookMs >= blow.atMs && atMs <= blow.atMs + blow.badMaxMs);
}

/** How long after the last blow before its end it was begun; 0 for one that was under way, or before all. */
function sinceLast({ atMs, tookMs }: BadRequest, blows: readonly Blow[]): number {
  const last = blows.findLast((blow) => blow.atMs <= atMs + tookMs);
  return Math.max(0, atMs - (last?.atMs ?? atMs));
}

/** How long each run of bad requests by one node was, from the begin of its first to the begin of its last. */
function outages(counted: readonly BadRequest[]): number[] {
  const open = new Map<string, { fromMs: number; lastMs: number }>();
  return counted.map(({ target, atMs }) => {
    const held = open.get(target);
    const run =
      held && atMs - held.lastMs <= outageGapMs
        ? { fromMs: held.fromMs, lastMs: atMs }
        : { fromMs: atMs, lastMs: atMs };
    open.set(target, run);
    return run.lastMs - run.fromMs;
  });
}

/** Bad requests of one kind, by one target and one soon after another. */
export type Spell = {
  readonly target: string;
  readonly bad: string;
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
};

/** Two of a spell are no further from each other, in milliseconds. */
const spellGapMs = 1_000;

/** Puts bad requests that belong together into one, in the order of their begin. */
export function spellsOf(requests: readonly BadRequest[]): readonly Spell[] {
  const spells: Spell[] = [];
  for (const { target, bad, atMs } of requests.toSorted((a, b) => a.atMs - b.atMs)) {
    const at = spells.findLastIndex((spell) => spell.target === target && spell.bad === bad);
    const held = spells[at];
    if (held && atMs - held.toMs <= spellGapMs) spells[at] = { ...held, count: held.count + 1, toMs: atMs };
    else spells.push({ target, bad, count: 1, fromMs: atMs, toMs: atMs });
  }
  return spells;
}
