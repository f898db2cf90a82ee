/** So long what was put aside is waited for: as long as deciders wait for an entry that they cannot read. */
const patienceUs = 300_000_000;

/**
 * Objects that Docker's lists left out because they do not fit their schema. A list without one of them is not the whole:
 * what it lacks would be taken for gone. So whoever would say that it is waits for them, but not for ever: what stays so
 * costs nobody else the mesh.
 */
export class PutAside {
  #sinceUs: ReadonlyMap<string, number> = new Map();

  /** Whether any of these, which the present lists left out, is waited for. To be told of all of them each time. */
  awaits(ids: readonly string[], nowUs: number): boolean {
    this.#sinceUs = new Map(ids.map((id) => [id, this.#sinceUs.get(id) ?? nowUs]));
    return [...this.#sinceUs.values()].some((sinceUs) => nowUs - sinceUs < patienceUs);
  }
}
