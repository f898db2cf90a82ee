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
  /** From the blow to the begin of the last request that was bad because of it; the longest of all blows. */
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
  const sinceBlow = counted.map((request) => blowOf(request, blows));
  return {
    failed: counted.filter((request) => request.bad !== 'late').length,
    late: counted.filter((request) => request.bad === 'late').length,
    outageMs: Math.max(0, ...outages(counted)),
    badMs: Math.max(0, ...sinceBlow.flatMap((found) => (found ? [found.sinceMs] : []))),
    unexcused: counted.filter((request, n) => !sinceBlow[n] && !isSlow(request)),
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

function blowOf({ atMs, tookMs }: BadRequest, blows: readonly Blow[]): { readonly sinceMs: number } | undefined {
  const excuse = blows.find(
    (blow) => blow.badMaxMs > 0 && atMs + tookMs >= blow.atMs && atMs <= blow.atMs + blow.badMaxMs,
  );
  return excuse && { sinceMs: Math.max(0, atMs - excuse.atMs) };
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
