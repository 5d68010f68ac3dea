import type { ErrorCode } from '../core/errors.ts';
import type { Allowance } from './parameters.ts';

/** Something that stands against a script. */
export interface Finding {
  readonly code: ErrorCode;
  /** What lets the script pass all the same; null: nothing does. */
  readonly allow: Allowance | null;
  readonly message: string;
}

/** DDL behind which rows of a table cannot be taken back any further. */
export interface Cut {
  readonly schema: string;
  /** Empty: every table of the schema. */
  readonly table: string;
  readonly ordinal: number;
  readonly seq: number;
  /** The DDL: its type, its table and where it stands. */
  readonly shown: string;
  /** The selection asks for the DDL itself, not only for rows beside it. */
  readonly asked: boolean;
  /** What becomes of it, in words that go on after its name. */
  readonly what: string;
}
