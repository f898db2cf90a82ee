import { type Clock, keys } from '@fairway/bus';
import { type Endpoint, hasEnded, type Mesh } from '@fairway/mesh';

/** What tells one past of an entry from another, and when this decider first saw it so. */
type Mark = { readonly past: string; readonly sinceMs: number };
/** An entry whose object may have been removed. */
export type Removable = { readonly removedMs?: number };

/**
 * How long this decider has known what is past: endpoints that ended or that no manager ever had, and objects that were
 * removed. It is measured by the decider's own steady clock from when it first saw the entry so. The times in the entries
 * are of whoever wrote them, and clocks of two machines are never compared; a decider that has just started knows nothing
 * since long, and forgets a while later than another would.
 */
export class KnownSince {
  readonly #clock: Clock;
  #marks = new Map<string, Mark>();
  #epoch = '';
  #revision = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes notice of what is past in the mesh; to be called every so often. */
  look({ generation: { epoch, revision }, services, nodes, networks }: Mesh): void {
    // A bucket that was made anew, or restored from a backup, may have facts before it that were heard already.
    const before = epoch === this.#epoch && revision >= this.#revision ? this.#marks : new Map<string, Mark>();
    this.#marks = new Map();
    this.#epoch = epoch;
    this.#revision = revision;
    const note = (key: string, past: string | undefined) => {
      if (past === undefined) return;
      const mark = before.get(key);
      this.#marks.set(key, mark?.past === past ? mark : { past, sinceMs: this.#clock.nowMs() });
    };
    for (const [id, service] of services) {
      note(keys.service(id), pastOf(service));
      for (const endpoint of service.endpoints) note(keyOf(id, endpoint), pastOfEndpoint(endpoint));
    }
    for (const [id, node] of nodes) note(keys.node(id), pastOf(node));
    for (const [id, network] of networks) note(keys.network(id), pastOf(network));
  }

  /** For how long the endpoint has been known to be past as it is; 0 where it is not, or was not when last looked at. */
  endpointMs(service: string, endpoint: Endpoint): number {
    return this.#ms(keyOf(service, endpoint), pastOfEndpoint(endpoint));
  }

  /** For how long the object behind an entry has been known to be removed. */
  removedMs(key: string, entry: Removable): number {
    return this.#ms(key, pastOf(entry));
  }

  #ms(key: string, past: string | undefined): number {
    const mark = this.#marks.get(key);
    return past !== undefined && mark?.past === past ? this.#clock.nowMs() - mark.sinceMs : 0;
  }
}

function keyOf(service: string, { task }: Endpoint): string {
  return `${keys.service(service)} ${task}`;
}

function pastOf({ removedMs }: Removable): string | undefined {
  return removedMs?.toString();
}

function pastOfEndpoint(endpoint: Endpoint): string | undefined {
  if (!hasEnded(endpoint) && endpoint.index !== 0) return undefined;
  const { claim, container, index, tick, sinceMs } = endpoint;
  return [claim, container, index, tick, sinceMs].join(' ');
}
