import type { Position } from '../../core/position.ts';
import type { ObjectDefinition, ObjectKind, ObjectName, ObjectText } from './object.ts';

/** What the ledger's history of objects must learn, in order. */
export type ObjectChange =
  /** It is there from here on; what it is has still to be found out. */
  | { readonly kind: 'opened'; readonly of: ObjectName; readonly from: Position }
  /** That is known now. */
  | { readonly kind: 'filled'; readonly of: ObjectName; readonly definition: ObjectDefinition }
  /** Read ahead of any DDL on it. */
  | { readonly kind: 'seeded'; readonly of: ObjectName; readonly from: Position; readonly definition: ObjectDefinition }
  /** From here on objects of these kinds that have no entry are not there. */
  | { readonly kind: 'complete'; readonly schema: string; readonly from: Position; readonly kinds: readonly ObjectKind[] }
  /** Null: all of the schema, and that it is complete. */
  | { readonly kind: 'ended'; readonly schema: string; readonly of: ObjectName | null; readonly at: Position };

/** What an earlier session left in the ledger, in force at its end. */
export interface AdoptedObjects {
  readonly known: readonly { readonly of: ObjectName; readonly from: Position; readonly triggers: readonly ObjectText[] }[];
  readonly unknown: readonly { readonly of: ObjectName; readonly from: Position }[];
  /** Schemas of which all objects of these kinds were read. */
  readonly complete: readonly { readonly schema: string; readonly kinds: readonly ObjectKind[] }[];
}
