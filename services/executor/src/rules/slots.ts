import { showTarget, type Target } from './rules.ts';

/**
 * Gives each wanted target one of the slots 0 to n - 1, changing as few as possible: who has a slot keeps it, a hole is
 * filled by the last ones first (as their slots go) and then by new ones. So the loss of one of n endpoints is two
 * changes at most, whatever n.
 */
export function assignSlots(held: ReadonlyMap<number, Target>, wanted: readonly Target[]): readonly Target[] {
  const unplaced = new Map(wanted.map((target) => [showTarget(target), target]));
  const slots: (Target | undefined)[] = new Array(unplaced.size).fill(undefined);
  const moving: Target[] = [];
  for (const [slot, target] of [...held].sort(([a], [b]) => a - b)) {
    const name = showTarget(target);
    if (!unplaced.delete(name)) continue;
    if (slot < slots.length) slots[slot] = target;
    else moving.push(target);
  }
  const queue = [...moving.reverse(), ...unplaced.values()];
  return slots.map((target) => target ?? (queue.shift() as Target));
}
