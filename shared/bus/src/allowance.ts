/** How much one sender may tell: so many units a second for ever, and so many more at once after silence. */
export type Allowance = { readonly perSecond: number; readonly burst: number };

/** By when all that was admitted of a sender would have come, had it kept its rate. */
export type Account = { dueMs: number };

/** A message is a unit, and another one for each so many bytes of it. */
const unitBytes = 4096;
const secondMs = 1000;

/** What a message of so many bytes counts. */
export function unitsOf(bytes: number): number {
  return 1 + bytes / unitBytes;
}

/**
 * Takes so many units from an account, unless it is too early for them; answers by how much it is, milliseconds, or 0 where
 * they were taken. It is the generic cell rate algorithm (ITU-T I.371, Annex A).
 */
export function earlyMs(account: Account, { perSecond, burst }: Allowance, units: number, nowMs: number): number {
  const dueMs = Math.max(account.dueMs, nowMs) + (secondMs * units) / perSecond;
  const mayMs = dueMs - (secondMs * burst) / perSecond;
  if (mayMs > nowMs) return mayMs - nowMs;
  account.dueMs = dueMs;
  return 0;
}
