/** Time and timers, passed in so that what depends on them can be tried without waiting. */
export type Clock = {
  /** Milliseconds of the wall clock: to be shown. */
  nowMs(): number;
  /** Microseconds of CLOCK_MONOTONIC, which starts at boot and goes on over restarts of the process. */
  tickUs(): number;
  /** Calls once after `delayMs`; the answer cancels it. */
  after(delayMs: number, call: () => void): () => void;
};

/** The machine's own clock. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  tickUs: () => Number(process.hrtime.bigint() / 1000n),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Waits; ends early, without an error, when the signal is aborted. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal.addEventListener('abort', end);
  });
}

/** How long to wait before attempt `n` (0 is the first repetition): doubling, and bounded. */
export function backoffMs(attempt: number, firstMs = 200, maxMs = 5000): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 20));
}
