import { type Account, type Allowance, earlyMs, unitsOf } from './allowance.ts';

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

type Sender = Account & {
  /** Until when those wait who were refused. */
  promisedMs: number;
  /** What was refused since then, units. */
  refused: number;
  sinceMs: number;
};

/**
 * Decides who may tell something now: each sender by itself, so that one that tells without end takes nothing from the
 * others. Of several that are refused at once each is told a later time, so that they do not all come again at the same.
 */
export class Admission {
  readonly #accounts = new Map<string, Sender>();

  /** Judges a message of so many bytes; one that is admitted counts. */
  judge(subject: string, bytes: number, nowMs: number): Verdict {
    const [, what, sender = '', kind] = subject.split('.');
    const ofSwarm = what === 'fact' && !nodeKinds.includes(kind);
    const allowance = ofSwarm ? swarmAllowance : nodeAllowance;
    const account = this.#account(ofSwarm ? `${sender} swarm` : sender, nowMs);
    const units = unitsOf(bytes);
    const early = earlyMs(account, allowance, units, nowMs);
    if (early === 0) return { kind: 'admitted' };
    if (nowMs - account.sinceMs > secondMs) Object.assign(account, { refused: 0, sinceMs: nowMs });
    account.refused += units;
    const { perSecond } = allowance;
    if (account.refused > floodFactor * perSecond) return { kind: 'flood' };
    const waitMs = Math.min(Math.max(account.promisedMs - nowMs, early), waitMaxMs);
    account.promisedMs = nowMs + waitMs + (secondMs * units) / perSecond;
    return { kind: 'refused', waitMs: Math.ceil(waitMs) };
  }

  /** How many are looked after. */
  get senders(): number {
    return this.#accounts.size;
  }

  #account(key: string, nowMs: number): Sender {
    const held = this.#accounts.get(key);
    if (held) return held;
    if (this.#accounts.size >= sendersMax)
      for (const [other, { dueMs }] of this.#accounts) if (dueMs <= nowMs) this.#accounts.delete(other);
    const account = { dueMs: nowMs, promisedMs: nowMs, refused: 0, sinceMs: nowMs };
    this.#accounts.set(key, account);
    return account;
  }
}
