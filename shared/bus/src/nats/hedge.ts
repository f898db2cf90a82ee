type Hedging<T> = {
  readonly afterMs: number;
  readonly most: number;
  readonly discard: (late: T) => void;
  /** Whether only the first one may fail: where none comes to an answer, it does. */
  readonly ignoresLaterFailures?: boolean;
  /** Nobody waits for an answer any more: it is not asked again. */
  readonly signal?: AbortSignal | undefined;
};

/** Within the 3 s that an answer is waited for. */
const again = { afterMs: 500, most: 6 } as const;

/**
 * Asks for what may be asked several times and has no effect. Who leads a stream answers for it, and a question that comes
 * while nobody does has no answer: waited for to its end, it would take longer than an election has left.
 */
export function insist<T>(ask: () => Promise<T>): Promise<T> {
  return hedge(ask, { ...again, discard() {} });
}

/**
 * Asks for a write that has its effect once, however often it is asked for: by its id, or by the revision that it builds on.
 * As above; what is refused the second time may be what the first one does, so of failures only the first one's counts.
 */
export function insistOnWrite<T>(write: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return hedge(write, { ...again, discard() {}, ignoresLaterFailures: true, signal });
}

/**
 * Asks for something that may be asked for several times: again after each `afterMs` without an answer, up to `most`
 * times in all. What comes first counts, an answer or a failure; answers that come later are given to `discard`.
 */
export function hedge<T>(
  ask: () => Promise<T>,
  { afterMs, most, discard, ignoresLaterFailures = false, signal }: Hedging<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let asked = 0;
    let over = false;
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      over = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    };
    const askAgain = () => {
      asked++;
      const isFirst = asked === 1;
      timer = asked < most ? setTimeout(askAgain, afterMs) : undefined;
      ask().then(
        (answer) => {
          if (over) return discard(answer);
          end();
          resolve(answer);
        },
        (error) => {
          if (!isFirst && ignoresLaterFailures) return;
          end();
          reject(error);
        },
      );
    };
    signal?.addEventListener('abort', end, { once: true });
    askAgain();
  });
}
