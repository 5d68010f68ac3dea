import type { KeyValuePart } from '../../rollback/index.ts';
import type { ChangedColumns } from './columns.ts';

/** In which way a later change stands in the way of an undo. */
export type ConflictKind = 'row' | 'primary-key' | 'unique-key' | 'foreign-key';

/** Where a row change stands in the log's order. */
export interface Place {
  readonly ordinal: number;
  readonly block: number;
  /** Of its rows event in the block. */
  readonly start: number;
  readonly row: number;
}

export function comparePlaces(a: Place, b: Place): number {
  return a.ordinal - b.ordinal || a.block - b.block || a.start - b.start || a.row - b.row;
}

/** A value that a change takes, leaves, or needs, in one space of values (rules.ts). */
export interface SpaceValue {
  readonly space: string;
  readonly kind: ConflictKind;
  /** One for each column of the list. */
  readonly parts: readonly KeyValuePart[];
  /** For people: `id = 5`. */
  readonly shown: string;
}

/** One row change with what its undo needs (`checks`) and what stands in the way of undos of earlier changes (`emits`). */
export interface Change extends ChangedColumns {
  readonly place: Place;
  readonly seq: number;
  readonly schema: string;
  readonly table: string;
  readonly checks: readonly SpaceValue[];
  readonly emits: readonly SpaceValue[];
}

export interface ConflictSide {
  readonly ordinal: number;
  readonly seq: number;
}

/** A selected change and a later one that is not undone. */
export interface Conflict {
  readonly kind: ConflictKind;
  readonly schema: string;
  readonly table: string;
  readonly key: string;
  /** The later change changed what the undo restores or finds the row by; false: other columns of the row only. */
  readonly restored: boolean;
  /** Columns that the later change changed; null: the row as a whole. */
  readonly changed: readonly string[] | null;
  readonly selected: ConflictSide;
  readonly later: ConflictSide;
}
