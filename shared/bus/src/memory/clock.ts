/** Time and timers as the stand-ins and the services see them: real by default, simulated where a test passes its own. */
export type Clock = {
  /** Milliseconds, from any beginning, never backwards. */
  nowMs(): number;
  /** Runs `work` once, `delayMs` from now; never at once. Returns how to take it back. */
  after(delayMs: number, work: () => void): () => void;
};

export const realClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Runs `work` again and again, for the first time `periodMs` from now. Returns how to end it. */
export function every(clock: Clock, periodMs: number, work: () => void): () => void {
  let cancel: () => void;
  const again = () => {
    cancel = clock.after(periodMs, () => {
      again();
      work();
    });
  };
  again();
  return () => cancel();
}
