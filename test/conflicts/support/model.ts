import { same, sameText, ModelState, type History, type RowChange, type Values } from './history.ts';

/** A row change with its place in the history. */
export interface Placed extends RowChange {
  /** As of its history. */
  readonly part: number | null;
  readonly step: number;
  readonly row: number;
}

export const placed = ({ steps, part }: History): Placed[] => steps.flatMap(({ changes }, step) => changes.map((change, row) => ({ ...change, part, step, row })));

const isLater = (a: Placed, b: Placed): boolean => a.step > b.step || (a.step === b.step && a.row > b.row);
const value = (row: Values | null, column: string): Values[string] => row?.[column] ?? null;
const moved = ({ before, after }: RowChange, column: string): boolean => before === null || after === null || value(before, column) !== value(after, column);
const equal = (a: Values[string], b: Values[string], part: number | null = null): boolean => a !== null && b !== null && (typeof a === 'string' && typeof b === 'string' ? sameText(a, b, part) : a === b);

/** Whether a later change that stays is in the way of undoing an earlier one, as docs/conflicts.md says it. */
export function inTheWay(later: Placed, earlier: Placed): boolean {
  if (!isLater(later, earlier)) return false;
  if (later.table === earlier.table) {
    const { table } = later;
    if (earlier.after !== null && later.before !== null && (table === 'k' ? same(earlier.after, later.before) : earlier.after.id === later.before.id)) return true;
    for (const key of table === 'p' ? ['id', 'u'] : table === 'c' ? ['id'] : []) {
      if (earlier.before !== null && later.after !== null && moved(earlier, key) && moved(later, key) && equal(earlier.before[key]!, later.after[key]!, later.part)) return true;
    }
  }
  // A child that refers to what the undo takes away.
  if (earlier.table === 'p' && later.table === 'c' && moved(earlier, 'id') && moved(later, 'pid') && equal(value(earlier.after, 'id'), value(later.after, 'pid'))) return true;
  // A parent that is gone, and that a child which comes back needs.
  return earlier.table === 'c' && later.table === 'p' && moved(earlier, 'pid') && moved(later, 'id') && equal(value(earlier.before, 'pid'), value(later.before, 'id'));
}

export function hasConflict(all: readonly Placed[], undone: ReadonlySet<Placed>): boolean {
  return all.some((later) => !undone.has(later) && all.some((earlier) => undone.has(earlier) && inTheWay(later, earlier)));
}

/** Later transactions drawn in as a whole, until nothing that stays is in the way. */
export function cascaded(history: History, all: readonly Placed[], selected: ReadonlySet<Placed>): Set<Placed> {
  const undone = new Set(selected);
  for (;;) {
    const found = all.find((later) => !undone.has(later) && all.some((earlier) => undone.has(earlier) && inTheWay(later, earlier)));
    if (!found) return undone;
    const { transaction } = history.steps[found.step]!;
    for (const change of all) if (history.steps[change.step]!.transaction === transaction) undone.add(change);
  }
}

/** What remains when rows that something in the way of stays are left out, one after the other. */
export function withoutConflicts(all: readonly Placed[], selected: ReadonlySet<Placed>): Set<Placed> {
  const undone = new Set(selected);
  for (;;) {
    const found = [...undone].find((earlier) => all.some((later) => !undone.has(later) && inTheWay(later, earlier)));
    if (!found) return undone;
    undone.delete(found);
  }
}

/** The state after undoing these, newest first; null when a step is not possible, and nothing changes. */
export function undoneState(history: History, undone: ReadonlySet<Placed>): ModelState | null {
  const state = new ModelState(history.part, history.end);
  for (const change of [...undone].sort((a, b) => (isLater(a, b) ? -1 : 1))) if (!state.undo(change)) return null;
  return state;
}
