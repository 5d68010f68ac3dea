import type { ObjectName, ObjectSession } from '../../schema/objects/object.ts';

export interface UndoStatement {
  readonly sql: string;
  /** The session that its text is to be read in; null: any. */
  readonly session: ObjectSession | null;
  /** Of a dropped database: the object in it that this makes again. */
  readonly makes?: ObjectName;
}

export type DdlVerdict =
  /** In order, each with its semicolon; `loss`: what the statement took away and its undo does not bring back. */
  | { readonly kind: 'undo'; readonly statements: readonly UndoStatement[]; readonly loss: string | null }
  | { readonly kind: 'refused'; readonly state: 'definition-unknown' | 'not-undoable'; readonly why: string }
  /** It changed nothing. */
  | { readonly kind: 'no-effect' }
  /** The undo stands with another table of the same statement. */
  | { readonly kind: 'elsewhere' };

export const unknown = (why: string): DdlVerdict => ({ kind: 'refused', state: 'definition-unknown', why });
export const notUndoable = (why: string): DdlVerdict => ({ kind: 'refused', state: 'not-undoable', why });
export const noEffect: DdlVerdict = { kind: 'no-effect' };

export function undo(made: string | readonly (string | UndoStatement)[], loss: string | null = null): DdlVerdict {
  const statements = [made].flat().map((one) => (typeof one === 'string' ? { sql: `${one};`, session: null } : { ...one, sql: `${one.sql};` }));
  return { kind: 'undo', statements, loss };
}
