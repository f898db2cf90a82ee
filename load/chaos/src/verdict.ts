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
  /** Without an answer, or a late one, by a node that was itself cut off: in no other count. */
  readonly absent: number;
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

/** One bad request by a node more than so long after another is of another outage. */
const outageGapMs = 250;

/** What is known beside a scenario's requests: also of before it began, as a request may be of that. Milliseconds. */
type Noted = { readonly blows: readonly Blow[]; readonly absences: readonly Absence[]; readonly startMs: number };

/** Judges the bad requests of a scenario. One that was under way when something struck is of that. */
export function judge(bad: readonly BadRequest[], { blows, absences, startMs }: Noted): Verdict {
  const struck = blows.filter(({ atMs }) => atMs >= startMs);
  const counted = bad.filter((request) => !isAbsent(request, absences)).sort((a, b) => a.atMs - b.atMs);
  return {
    failed: counted.filter((request) => request.bad !== 'late').length,
    late: counted.filter((request) => request.bad === 'late').length,
    absent: bad.length - counted.length,
    outageMs: Math.max(0, ...spellsOf(counted, outageGapMs, ({ target }) => target).map(lengthOf)),
    badMs: Math.max(0, ...counted.map((request) => sinceLast(request, struck))),
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

/** Bad requests that belong together, one soon after another, and how long they took, milliseconds. */
export type Spell = {
  readonly first: BadRequest;
  readonly last: BadRequest;
  readonly count: number;
  readonly shortestMs: number;
  readonly longestMs: number;
  /** Longest time until one was connected; 0 where none was. */
  readonly connectMs: number;
};

/** Two of a spell are no further from each other, in milliseconds. */
const spellGapMs = 1_000;

/** Puts those of one target and kind together until there was none for a while, in the order of their begin. */
export function spellsOf(
  requests: readonly BadRequest[],
  gapMs = spellGapMs,
  kindOf = ({ target, bad }: BadRequest) => `${target} ${bad}`,
): readonly Spell[] {
  const spells: Spell[] = [];
  const latest = new Map<string, number>();
  for (const request of requests.toSorted((a, b) => a.atMs - b.atMs)) {
    const kind = kindOf(request);
    const at = latest.get(kind) ?? -1;
    const held = spells[at];
    if (held && request.atMs - held.last.atMs <= gapMs) spells[at] = withOne(held, request);
    else latest.set(kind, spells.push(withOne(undefined, request)) - 1);
  }
  return spells;
}

function withOne(held: Spell | undefined, request: BadRequest): Spell {
  return {
    first: held?.first ?? request,
    last: request,
    count: (held?.count ?? 0) + 1,
    shortestMs: Math.min(held?.shortestMs ?? request.tookMs, request.tookMs),
    longestMs: Math.max(held?.longestMs ?? request.tookMs, request.tookMs),
    connectMs: Math.max(held?.connectMs ?? 0, request.connectMs ?? 0),
  };
}

/** From the begin of its first to the begin of its last, milliseconds. */
function lengthOf({ first, last }: Spell): number {
  return last.atMs - first.atMs;
}
