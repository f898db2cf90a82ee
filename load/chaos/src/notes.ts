import type { Absence, Blow } from './verdict.ts';

/** A request ends after so long at the latest, connected late and answered late. */
const requestMaxMs = 20_000;

/** What struck, and who was absent, lately: a request may hang from one scenario into the next. */
export class Notes {
  #blows: readonly Blow[] = [];
  #absences: readonly Absence[] = [];

  get blows(): readonly Blow[] {
    return this.#blows;
  }

  get absences(): readonly Absence[] {
    return this.#absences;
  }

  addBlow(blow: Blow): void {
    this.#blows = [...this.#blows, blow];
  }

  /** The end of it may be set later. */
  addAbsence(absence: Absence): void {
    this.#absences = [...this.#absences, absence];
  }

  /** Forgets what no request can be of that goes on at a time, milliseconds since 1970. */
  forget(nowMs: number): void {
    const goesOn = (endMs: number) => endMs > nowMs - requestMaxMs;
    this.#blows = this.#blows.filter(({ atMs, badMaxMs }) => goesOn(atMs + badMaxMs));
    this.#absences = this.#absences.filter(({ toMs }) => goesOn(toMs));
  }
}
