/** Why an entry changed: the swarm event behind it and where its trace goes on. */
export type Cause = {
  /** W3C traceparent of the fact that caused the change (https://www.w3.org/TR/trace-context/#traceparent-header). */
  readonly trace: string;
  /** What happened, for people: `container start`, `service update`. */
  readonly event: string;
  /** When its observer saw it, milliseconds of the observer's clock: to be shown, never to be compared. */
  readonly atMs: number;
  /** The entry's revision that the change built on: whoever had applied that one has not yet applied this cause. */
  readonly after: number;
};

/** An entry keeps this many causes: enough for what one apply can reasonably link, bounded so that entries stay small. */
export const causesMax = 16;

/** The latest causes, oldest first, at most `causesMax`. */
export function keepCauses(held: readonly Cause[], added: readonly Cause[]): readonly Cause[] {
  return [...held, ...added].slice(-causesMax);
}

/** The causes that a reader which had applied this entry up to `revision` has not yet applied. */
export function causesSince(causes: readonly Cause[], revision: number): readonly Cause[] {
  return causes.filter((cause) => cause.after >= revision);
}
