import { meet, type Columns } from './columns.ts';
import type { ExactValues } from './exact.ts';
import { comparePlaces, type Change, type Conflict, type SpaceValue } from './types.ts';

/** Conflicts that are listed one by one; all are counted. */
const MOST_LISTED = 1000;

export interface Decision {
  readonly conflicts: readonly Conflict[];
  /** Selected changes that a later one stands in the way of. */
  readonly count: number;
  /** Of these, the ones whose undo would restore, or look at, what a later change changed: for the others the guard holds. */
  readonly restored: number;
  /** The later transactions. */
  readonly ordinals: ReadonlySet<number>;
  /** Selected changes that cannot be undone while the later ones stay, newest first: those, and what their staying stands in the way of. */
  readonly leftOut: readonly Change[];
}

/**
 * Goes back in time through what may meet. A selected change is in conflict when a later change that stays has emitted a value
 * that its undo needs. It stays then as well, so that it is a later change to those before it.
 */
export function decide(later: readonly Change[], selected: readonly Change[], exact: ExactValues): Decision {
  const emitted = new Map<string, Emitted>();
  const stays = new Set(later);
  const emit = (change: Change): void => {
    for (const value of change.emits) {
      const name = exact.name(value);
      const known = emitted.get(name) ?? { by: [], told: 0, any: false, columns: new Set<Columns>(), harmless: new Map<Columns, Change[]>() };
      emitted.set(name, known);
      known.any = true;
      if (!stays.has(change)) continue;
      known.by.push(change);
      known.columns.add(change.changed);
    }
  };
  const conflicts = new Map<string, Conflict>();
  const ordinals = new Set<number>();
  const leftOut: Change[] = [];
  let count = 0;
  let restored = 0;
  for (const change of [...later, ...selected].sort((a, b) => comparePlaces(b.place, a.place))) {
    if (stays.has(change)) {
      emit(change);
      continue;
    }
    let direct = false;
    let harmed = false;
    let blocked = false;
    for (const value of change.checks) {
      // All that was emitted so far is later.
      const known = emitted.get(exact.name(value));
      if (!known) continue;
      blocked ||= known.any;
      const nearest = known.by.at(-1);
      if (!nearest) continue;
      direct = true;
      const harms = (columns: Columns): boolean => value.kind !== 'row' || meet(columns, change.restored);
      harmed ||= [...known.columns].some(harms);
      // Each later change is told once, beside the newest selected one that it meets, and once more beside the newest whose columns it
      // met, where that is another; this one with the nearest.
      const fresh = known.by.slice(known.told);
      const again = [...known.harmless].filter(([columns]) => harms(columns));
      for (const other of new Set([nearest, ...fresh, ...again.flatMap(([, changes]) => changes)])) {
        ordinals.add(other.place.ordinal);
        const conflict = conflictOf(value, change, other, harms(other.changed));
        const id = JSON.stringify(conflict);
        if (conflicts.size < MOST_LISTED) conflicts.set(id, conflict);
      }
      for (const [columns] of again) known.harmless.delete(columns);
      for (const other of fresh) {
        if (harms(other.changed)) continue;
        const same = known.harmless.get(other.changed);
        if (same) same.push(other);
        else known.harmless.set(other.changed, [other]);
      }
      known.told = known.by.length;
    }
    if (direct) count++;
    if (harmed) restored++;
    if (!blocked) continue;
    leftOut.push(change);
    emit(change);
  }
  return { conflicts: [...conflicts.values()], count, restored, ordinals, leftOut };
}

interface Emitted {
  /** Later changes that stay, the newest first. */
  readonly by: Change[];
  /** How many of them were told. */
  told: number;
  /** Also by a selected change that is left out. */
  any: boolean;
  /** What the later changes changed, each kind of it once. */
  readonly columns: Set<Columns>;
  /** Later changes that were told, and changed nothing that is restored so far. */
  readonly harmless: Map<Columns, Change[]>;
}

function conflictOf({ kind, shown }: SpaceValue, change: Change, other: Change, restored: boolean): Conflict {
  return {
    kind, schema: other.schema, table: other.table, key: shown, restored, changed: other.changed === 'all' ? null : [...other.changed],
    selected: { ordinal: change.place.ordinal, seq: change.seq }, later: { ordinal: other.place.ordinal, seq: other.seq },
  };
}
