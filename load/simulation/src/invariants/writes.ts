import { type BucketEntry, keys, parseKey, readNode, readReach, readService } from '@fairway/bus';
import { type Cause, causesSince } from '@fairway/mesh';

/**
 * Each write to the mesh says something that the one before it did not, and is the first that this fact brought about: one
 * change is one write to an entry, however often the fact of it is delivered and whoever folds it.
 */
export class Writes {
  readonly #broken: (what: string) => void;
  readonly #last = new Map<string, { readonly said: string; readonly revision: number }>();
  /** Facts that were written, by key and trace. */
  readonly #folded = new Set<string>();

  constructor(broken: (what: string) => void) {
    this.#broken = broken;
  }

  /** An entry of the mesh was written. */
  look({ key, text, revision }: BucketEntry): void {
    if (key === keys.epoch) return;
    const before = this.#last.get(key);
    const said = text === undefined ? '' : JSON.stringify({ ...(JSON.parse(text) as object), causes: [] });
    if (said !== '' && said === before?.said) this.#broken(`${key} was written again though nothing changed`);
    this.#last.set(key, { said, revision });
    for (const { trace, event } of causesSince(causesOf(key, text), before?.revision ?? 0)) {
      const fact = `${key} ${trace}`;
      if (this.#folded.has(fact)) this.#broken(`${key} was written twice for one fact (${event})`);
      this.#folded.add(fact);
    }
  }

  /** The bucket begins anew, or is as it was before: what is written now was not there. */
  forget(): void {
    this.#last.clear();
    this.#folded.clear();
  }
}

function causesOf(key: string, text: string | undefined): readonly Cause[] {
  if (text === undefined) return [];
  switch (parseKey(key)?.kind) {
    case 'service':
      return readService(key, text).causes;
    case 'node':
      return readNode(key, text).causes;
    case 'reach':
      return readReach(key, text).causes;
    default:
      return [];
  }
}
