/** Time as the stand-in sees it: real by default, simulated where a simulation passes its own. */
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
