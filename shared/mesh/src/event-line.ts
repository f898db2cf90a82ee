/** Something that passed on the bus, as the console tells it: one line of `/api/events`. */
export type EventLine = {
  /** A fact, a change of the mesh, an outcome; or a `gap`: the listener was too slow, and lines are missing. */
  readonly kind: 'fact' | 'mesh' | 'outcome' | 'gap';
  /** When, milliseconds of the clock of who said it; of the console's own for what nobody said. To be shown only. */
  readonly atMs: number;
  /** The name of the node that said it. */
  readonly node?: string;
  readonly what: string;
  /** The first digits of the trace id. */
  readonly trace?: string;
};
