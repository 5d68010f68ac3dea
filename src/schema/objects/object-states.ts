import type { ObjectDefinition, ObjectName } from './object.ts';

/** What is known of objects around a statement. */
export interface ObjectStates {
  /** Null: it was not there; undefined: not known. */
  before(name: ObjectName): ObjectDefinition | null | undefined;
  /** What the statement made of an object, while no later DDL on it is in the log; undefined: not known, or over. */
  after(name: ObjectName): ObjectDefinition | undefined;
  /** Objects that the statement took away, altered or replaced, as far as they were known. */
  readonly ended: readonly { readonly of: ObjectName; readonly definition: ObjectDefinition | null }[];
}
