import type { Note } from '@fairway/mesh';
import type { Log } from '@fairway/telemetry';

/** Of those that are refused at once so many are named; `fairway status` has the others. */
const namedMax = 20;

/** Names what a plan refuses, as an address that two tasks claim, once for as long as it is refused. */
export class Refusals {
  readonly #log: Log;
  #said: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  say(notes: readonly Note[]): void {
    const refused = new Map(
      notes.flatMap((note) => (note.kind === 'refused' ? [[`${note.about}: ${note.why}`, note] as const] : [])),
    );
    const fresh = [...refused].filter(([text]) => !this.#said.has(text)).map(([, note]) => note);
    for (const { about, why } of fresh.slice(0, namedMax)) this.#log.warn('something is refused', { about, why });
    if (fresh.length > namedMax) this.#log.warn('more is refused', { count: fresh.length - namedMax });
    this.#said = new Set(refused.keys());
  }
}
