import {
  type Cause,
  causesSince,
  emptyMesh,
  type Mesh,
  type Network,
  type Node,
  type RecordedReach,
  type Service,
  type Verdict,
  type Word,
  withVerdicts,
  withWords,
} from '@fairway/mesh';
import type { BucketEntry, BucketFollower } from './bus.ts';
import {
  readComplete,
  readNetwork,
  readNode,
  readReach,
  readService,
  readShard,
  type ServiceEntry,
  type ShardEntry,
} from './entry.ts';
import { keys, parseKey } from './keys.ts';
import { Unreadable } from './parse-text.ts';
import { nodeDown } from './verdict.ts';

/** The entries of a mesh bucket at one revision, as they stand in it. */
export type MeshEntries = {
  readonly epoch: string;
  readonly revision: number;
  readonly entries: ReadonlyMap<string, string>;
};

type Options = {
  /** The last good mesh that this node had, from its disk. */
  readonly saved?: MeshEntries;
  /** What nodes have said ahead of the mesh, as it is whenever the mesh is asked for. */
  readonly words?: Iterable<Word>;
  /**
   * After each change to what `mesh` or `current` answers, with the causes that the change brings; those of entries
   * that were there before the reader came are none.
   */
  readonly onChange?: (causes: readonly Cause[]) => void;
  /** An entry that cannot be read is left as it was; once per entry and revision. */
  readonly onUnreadable?: (error: Unreadable) => void;
};

/**
 * One reader's copy of the mesh, kept by following the bucket. A bucket made anew begins empty, and a reader that took
 * it at its word would take every service down; so the last complete mesh goes on being the answer until the new
 * epoch is complete too.
 */
export class MeshReplica {
  readonly #options: Options;
  #held: Copy | undefined;
  #current: Copy | undefined;
  #verdicts: readonly Verdict[] = [];
  #isBehind = false;

  constructor(options: Options = {}) {
    this.#options = options;
    if (options.saved) {
      const saved = new Copy(options.saved.epoch);
      saved.fromDisk = true;
      for (const [key, text] of options.saved.entries)
        this.#take(saved, { key, text, revision: options.saved.revision });
      saved.caughtUp = true;
      this.#held = saved;
    }
  }

  /**
   * The mesh to act on: the last complete one, or as much as is known where there has never been one, with what was said
   * ahead of it.
   */
  get mesh(): Mesh {
    return withWords(withVerdicts(this.recorded, this.#verdicts), this.#options.words ?? []);
  }

  /** The same without what was said ahead of it. */
  get recorded(): Mesh {
    return this.#acting?.mesh ?? emptyMesh('');
  }

  /** The bucket as it is now, complete or not; undefined before it was reached. */
  get current(): Mesh | undefined {
    return this.#current && withVerdicts(this.#current.mesh, this.#verdicts);
  }

  /** Whether everything in the bucket has been read, in its present epoch. */
  get caughtUp(): boolean {
    return this.#current?.caughtUp ?? false;
  }

  /** Whether `mesh` is what the bucket has now: nothing that may be missing or is unreadable, of an earlier epoch, or from disk. */
  get isCurrent(): boolean {
    return this.#current?.whole === true && !this.#isBehind && this.unreadable.size === 0;
  }

  /** Entries that cannot be read as they are now, by their keys, each with the reason; what they were before counts on. */
  get unreadable(): ReadonlyMap<string, string> {
    return this.#acting?.unreadable ?? new Map();
  }

  /** The entries behind `mesh`, to be kept on disk; undefined while there is no complete mesh. */
  get entries(): MeshEntries | undefined {
    const copy = this.#acting;
    if (!copy?.mesh.complete) return undefined;
    return { epoch: copy.epoch, revision: copy.revision, entries: copy.entries };
  }

  /** From now on these verdicts go ahead of what is on record; `news` are those that were not there before. */
  judge(verdicts: readonly Verdict[], news: readonly Verdict[]): void {
    this.#verdicts = verdicts;
    this.#options.onChange?.(news.map(causeOf));
  }

  /** What to hand to the bucket's `follow`. */
  readonly follower: BucketFollower = {
    begin: (epoch) => {
      if (this.#current?.whole) this.#held = this.#current;
      this.#current = new Copy(epoch);
      this.#options.onChange?.([]);
    },
    entry: (entry) => {
      if (this.#current) this.#settle(this.#take(this.#current, entry));
    },
    fellBehind: () => {
      this.#isBehind = true;
    },
    caughtUp: (revision) => {
      this.#isBehind = false;
      if (this.#current) {
        this.#current.caughtUp = true;
        this.#current.revision = Math.max(this.#current.revision, revision);
      }
      this.#settle([]);
    },
  };

  get #acting(): Copy | undefined {
    return this.#current?.whole ? this.#current : (this.#held ?? this.#current);
  }

  #settle(causes: readonly Cause[]): void {
    if (this.#current?.whole) this.#held = undefined;
    this.#options.onChange?.(causes);
  }

  #take(copy: Copy, entry: BucketEntry): readonly Cause[] {
    try {
      const causes = copy.take(entry);
      return copy.caughtUp ? causes : [];
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      copy.unreadable.set(entry.key, error.reason);
      this.#options.onUnreadable?.(error);
      return [];
    }
  }
}

/** The entries of one epoch and the mesh that they make. */
class Copy {
  readonly epoch: string;
  readonly entries = new Map<string, string>();
  readonly unreadable = new Map<string, string>();
  revision = 0;
  caughtUp = false;
  /**
   * Whether it was read from this node's disk. It may then be older than the rules in the kernel, which a change reaches
   * a second before the disk: it is acted on, and counts as incomplete, so that nothing is removed by it.
   */
  fromDisk = false;
  #complete = false;
  readonly #revisions = new Map<string, number>();
  readonly #heads = new Map<string, ServiceEntry>();
  readonly #shards = new Map<string, ShardEntry>();
  readonly #services = new Map<string, Service>();
  readonly #nodes = new Map<string, Node>();
  readonly #networks = new Map<string, Network>();
  readonly #reach = new Map<string, RecordedReach>();

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  /** Whether a complete listing was folded in, and all that is in the bucket has been heard. */
  get whole(): boolean {
    return this.#complete && this.caughtUp && !this.fromDisk;
  }

  get mesh(): Mesh {
    // Nothing is removed for want of what an entry says that was never read: a newer release may have written it.
    const unread = [...this.unreadable.keys()].some((key) => !this.entries.has(key));
    return {
      generation: { epoch: this.epoch, revision: this.revision },
      complete: this.whole && !unread,
      services: this.#services,
      nodes: this.#nodes,
      networks: this.#networks,
      reach: this.#reach,
    };
  }

  /**
   * Takes an entry in, and returns the causes in it that are later than the entry before.
   *
   * @throws {Unreadable} and stays as it was.
   */
  take({ key, text, revision }: BucketEntry): readonly Cause[] {
    this.revision = Math.max(this.revision, revision);
    const parsed = parseKey(key);
    if (!parsed || parsed.kind === 'epoch') return [];
    const before = this.#revisions.get(key) ?? 0;
    let causes: readonly Cause[] = [];
    switch (parsed.kind) {
      case 'complete':
        this.#complete = text !== undefined && readComplete(key, text).epoch === this.epoch;
        break;
      case 'service':
        causes = store(this.#heads, parsed.id, text, (held) => readService(key, held))?.causes ?? [];
        this.#assemble(parsed.id);
        break;
      case 'shard':
        causes = store(this.#shards, key, text, (held) => readShard(key, held))?.causes ?? [];
        this.#assemble(parsed.id);
        break;
      case 'node':
        causes = store(this.#nodes, parsed.id, text, (held) => readNode(key, held))?.causes ?? [];
        break;
      case 'reach':
        causes =
          store(this.#reach, parsed.id, text, (held) => ({
            ...readReach(key, held),
            // The disk has one revision for all: no verdict builds on an earlier one than this entry's.
            revision: this.fromDisk ? 0 : revision,
          }))?.causes ?? [];
        break;
      case 'network':
        store(this.#networks, parsed.id, text, (held) => readNetwork(key, held));
    }
    if (text === undefined) this.entries.delete(key);
    else this.entries.set(key, text);
    this.#revisions.set(key, revision);
    this.unreadable.delete(key);
    return causesSince(causes, before);
  }

  /** A service is its own entry and the shards of the division that it names; shards of another division do not count. */
  #assemble(id: string): void {
    const head = this.#heads.get(id);
    if (!head) {
      this.#services.delete(id);
      return;
    }
    const { of, ...service } = head;
    const further = Array.from({ length: of - 1 }, (_, n) => this.#shards.get(keys.shard(id, of, n + 1)));
    this.#services.set(id, {
      ...service,
      endpoints: [service, ...further].flatMap((part) => part?.endpoints ?? []),
      causes: [service, ...further].flatMap((part) => part?.causes ?? []),
    });
  }
}

function causeOf({ trace, sinceMs, after }: Verdict): Cause {
  return { trace, event: nodeDown, atMs: sinceMs, after };
}

function store<T>(
  map: Map<string, T>,
  key: string,
  text: string | undefined,
  read: (text: string) => T,
): T | undefined {
  if (text === undefined) {
    map.delete(key);
    return undefined;
  }
  const value = read(text);
  map.set(key, value);
  return value;
}
