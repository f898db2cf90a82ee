import { fileURLToPath } from 'node:url';
import type { Cluster } from '@fairway/cluster';
import { listen } from './lines.ts';

/** A request that had no answer, or a late one. */
export type BadRequest = {
  /** Why: an error's code, `closed before its answer`, `no answer in time`, or `late`. */
  readonly bad: string;
  /** `ADDRESS:PORT`. */
  readonly target: string;
  /** When it was begun, milliseconds since 1970, and how long it took. */
  readonly atMs: number;
  readonly tookMs: number;
  /** How long it took until it was connected; absent where it never was. */
  readonly connectMs?: number;
};

/** What all requests so far came to. */
export type Counts = { readonly asked: number; readonly answered: number; readonly slowestMs: number };

/** Requests that go on until they are stopped. */
export type Traffic = {
  /** Those that had no answer or a late one, in the order in which that was known. */
  readonly bad: readonly BadRequest[];
  /** As of a moment ago. */
  readonly counts: Counts;
  stop(): void;
};

type Asked = {
  /** `ADDRESS:PORT`; each is asked. */
  readonly targets: readonly string[];
  /** How often, milliseconds. */
  readonly everyMs: number;
  /** An answer that takes longer is late. */
  readonly lateMs?: number;
};

const program = fileURLToPath(new URL('steady-requests.ts', import.meta.url));

/** An outside client of the cluster begins to ask. */
export function startTraffic(
  cluster: Cluster,
  { targets, everyMs, lateMs = Number.POSITIVE_INFINITY }: Asked,
): Traffic {
  const bad: BadRequest[] = [];
  let counts: Counts = { asked: 0, answered: 0, slowestMs: 0 };
  const argv = cluster.clientArgv([process.execPath, program, `${everyMs}`, `${lateMs}`, ...targets]);
  const asking = listen(argv, (line) => {
    const said = JSON.parse(line) as BadRequest | Counts;
    if ('bad' in said) bad.push(said);
    else counts = said;
  });
  return {
    bad,
    get counts() {
      return counts;
    },
    stop: () => asking.stop(),
  };
}
