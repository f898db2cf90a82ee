/** What a measurement is told. */
export type Measuring = {
  /** How many starts and deaths, where the measurement has any. */
  readonly changes: number;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
};
