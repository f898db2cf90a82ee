/** What a measurement is told; each takes what it has use for. */
export type Measuring = {
  /** How many starts and deaths. */
  readonly changes: number;
  /** How often a node loses power, or a fault strikes. */
  readonly trials: number;
  /** How often a service is updated in each way. */
  readonly updates: number;
  /** How many rounds of each way. */
  readonly rounds: number;
  /** Instead of the standard ones. */
  readonly fanOut: FanOut | undefined;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Watchers of one bucket that is changed so often, kept by one server, or by each of several. */
export type FanOut = { readonly servers: number; readonly watchers: number; readonly perSecond: number };

/** With fewer than these a measurement is a try, and not kept. */
export const standard = { changes: 400, rounds: 3, trials: 30, updates: 20 } as const;
