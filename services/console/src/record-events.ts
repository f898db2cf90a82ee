import {
  type BucketFollower,
  type Bus,
  type Clock,
  every,
  type MeshReplica,
  readFact,
  readOutcome,
  subjects,
  Unreadable,
} from '@fairway/bus';
import type { EventLine, Outcome } from '@fairway/mesh';
import { lineOfEntry, lineOfFact, lineOfOutcome } from './event-lines.ts';
import { EventLog } from './event-log.ts';
import type { ConvergenceMeter } from './meter/convergence-meter.ts';

type Options = {
  readonly bus: Bus;
  readonly replica: MeshReplica;
  readonly nowMs: () => number;
  readonly clock: Clock;
  readonly convergence: ConvergenceMeter;
};

/** Who follows hears something this often: Node's own `fetch` gives up a body that is silent for five minutes. */
const beatMs = 30_000;

/** What passes on the bus, line by line. */
export type Recorded = {
  readonly events: EventLog;
  /** Follows the mesh's bucket in the replica's place: it hands everything on, and what is new is a line. */
  readonly follower: BucketFollower;
  stop(): Promise<void>;
};

/** Records facts, changes of the mesh and outcomes from now on. What cannot be read is left out: others put it aside. */
export function recordEvents({ bus, replica, nowMs, clock, convergence }: Options): Recorded {
  const events = new EventLog(nowMs);
  const record = (line: () => EventLine) => {
    try {
      events.add(line());
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  };
  const heard = [
    bus.subscribe(subjects.facts, (message) =>
      record(() => {
        const line = lineOfFact(readFact(message), replica.current);
        convergence.fact(line.trace);
        return line;
      }),
    ),
    bus.subscribe(subjects.outcomes, (message) =>
      record(() => {
        const outcome = readOutcome(message);
        if (hasRules(outcome.body)) convergence.applied(outcome.sender, outcome.epoch, outcome.body.to);
        return lineOfOutcome(outcome, replica.current);
      }),
    ),
  ];
  const endBeats = every(clock, beatMs, () => events.beat());
  const { follower } = replica;
  return {
    events,
    follower: {
      begin: (epoch) => {
        follower.begin(epoch);
        convergence.begin(epoch);
        events.add({ kind: 'mesh', atMs: nowMs(), what: `epoch ${epoch} begins` });
      },
      entry: (entry) => {
        // What is forgotten has its name only before.
        const before = entry.text === undefined ? lineOfEntry(entry, replica.current, nowMs()) : undefined;
        follower.entry(entry);
        const line = before ?? lineOfEntry(entry, replica.current, nowMs());
        if (!line || !replica.caughtUp) return;
        events.add(line);
        convergence.decided(entry.revision, line.trace);
      },
      caughtUp: (revision) => follower.caughtUp(revision),
      fellBehind: () => follower.fellBehind?.(),
    },
    async stop() {
      endBeats();
      events.close();
      await Promise.all(heard.map((one) => one.stop()));
    },
  };
}

/** Whether a revision is in the node's kernel by it: one that is left to Docker, or only observes, says so, and that of itself. */
function hasRules(outcome: Outcome): outcome is Extract<Outcome, { readonly kind: 'applied' }> {
  return outcome.kind === 'applied' && !outcome.notes.some(({ about }) => about.startsWith('node '));
}
