/** How much one sender may tell: so many units a second for ever, and so many more at once after silence. */
export type Allowance = { readonly perSecond: number; readonly burst: number };

/** A message is a unit, and another one for each so many bytes of it. */
const unitBytes = 4096;

/** A node of a thousand containers that all begin at once is below this. */
export const nodeAllowance: Allowance = { perSecond: 100, burst: 4_000 };
/** A manager tells of each service, node and network of the swarm when it begins: ten thousand are below this. */
export const swarmAllowance: Allowance = { perSecond: 2_000, burst: 40_000 };

/** Kinds of facts of which there are as many as there are containers on a node; all others are of the whole swarm. */
const nodeKinds: readonly (string | undefined)[] = ['container', 'node-listing'];

/** So many senders are looked after before those are forgotten whose allowance is whole again. */
const sendersMax = 10_000;

/** Nobody is told to wait longer. */
const waitMaxMs = 10_000;
/** Who waits when told to is refused about as often as admitted; who is refused so much more in a second floods. */
const floodFactor = 20;
const secondMs = 1000;

/** What becomes of a message: it is stored, or may come again after so long, or its sender heeds nothing of that. */
export type Verdict =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly waitMs: number }
  | { readonly kind: 'flood' };

type Account = {
  /** By when all that was admitted would have come, had it kept its rate. */
  dueMs: number;
  /** Until when those wait who were refused. */
  promisedMs: number;
  /** What was refused since then, units. */
  refused: number;
  sinceMs: number;
};

/**
 * Decides who may tell something now: each sender by itself, so that one that tells without end takes nothing from the
 * others. It is the generic cell rate algorithm (ITU-T I.371, Annex A). Of several that are refused at once each is told
 * a later time, so that they do not all come again at the same.
 */
export class Admission {
  readonly #accounts = new Map<string, Account>();

  /** Judges a message of so many bytes; one that is admitted counts. */
  judge(subject: string, bytes: number, nowMs: number): Verdict {
    const [, what, sender = '', kind] = subject.split('.');
    const ofSwarm = what === 'fact' && !nodeKinds.includes(kind);
    const { perSecond, burst } = ofSwarm ? swarmAllowance : nodeAllowance;
    const account = this.#account(ofSwarm ? `${sender} swarm` : sender, nowMs);
    const units = 1 + bytes / unitBytes;
    const costMs = (secondMs * units) / perSecond;
    const dueMs = Math.max(account.dueMs, nowMs) + costMs;
    const mayMs = dueMs - (secondMs * burst) / perSecond;
    if (mayMs <= nowMs) {
      account.dueMs = dueMs;
      return { kind: 'admitted' };
    }
    if (nowMs - account.sinceMs > secondMs) Object.assign(account, { refused: 0, sinceMs: nowMs });
    account.refused += units;
    if (account.refused > floodFactor * perSecond) return { kind: 'flood' };
    const waitMs = Math.min(Math.max(account.promisedMs, mayMs) - nowMs, waitMaxMs);
    account.promisedMs = nowMs + waitMs + costMs;
    return { kind: 'refused', waitMs: Math.ceil(waitMs) };
  }

  /** How many are looked after. */
  get senders(): number {
    return this.#accounts.size;
  }

  #account(key: string, nowMs: number): Account {
    const held = this.#accounts.get(key);
    if (held) return held;
    if (this.#accounts.size >= sendersMax)
      for (const [other, { dueMs }] of this.#accounts) if (dueMs <= nowMs) this.#accounts.delete(other);
    const account = { dueMs: nowMs, promisedMs: nowMs, refused: 0, sinceMs: nowMs };
    this.#accounts.set(key, account);
    return account;
  }
}
