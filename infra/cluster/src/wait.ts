import { setTimeout as pause } from 'node:timers/promises';

/** Something did not come about within its limit. `last` is what was seen at the last look. */
export class WaitedInVain extends Error {
  readonly what: string;
  readonly limitMs: number;
  readonly last: string;

  constructor(what: string, limitMs: number, last: string, cause?: unknown) {
    super(`Waited ${limitMs / 1000} s in vain for ${what}: ${last}`, { cause });
    this.name = 'WaitedInVain';
    this.what = what;
    this.limitMs = limitMs;
    this.last = last;
  }
}

/**
 * How much longer than on a usual machine every wait is, and between its looks: FAIRWAY_PATIENCE, 1 without it. For
 * machines on which all that is started takes many times as long, as in the lab.
 */
export function patience(): number {
  const given = Number(process.env.FAIRWAY_PATIENCE ?? 1);
  return Number.isFinite(given) && given >= 1 ? given : 1;
}

export interface WaitOptions {
  /** On a usual machine, see patience. */
  limitMs: number;
  /**
   * Between two looks, on a usual machine. Short, because each wait is a part of the time that a test or a start takes;
   * but where a look costs more it must not take the time from what is waited for.
   */
  everyMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Looks again and again until `look` returns something else than a string, and returns that. A string, or an error
 * thrown, is the reason for not being there yet. Throws WaitedInVain after the limit, and the signal's reason when
 * it is aborted.
 */
export async function until<Seen>(
  what: string,
  look: () => Promise<Seen | string> | Seen | string,
  options: WaitOptions,
): Promise<Seen> {
  const limitMs = options.limitMs * patience();
  const endMs = performance.now() + limitMs;
  for (;;) {
    options.signal?.throwIfAborted();
    let last: string;
    let cause: unknown;
    try {
      const seen = await look();
      if (typeof seen !== 'string') return seen;
      last = seen;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
      cause = error;
    }
    if (performance.now() > endMs) throw new WaitedInVain(what, limitMs, last, cause);
    await pause((options.everyMs ?? 50) * patience());
  }
}
