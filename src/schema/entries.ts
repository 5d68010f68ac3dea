import type { TableName } from '../binlog/sql/classify.ts';
import type { Position } from '../core/position.ts';
import type { SchemaDefaults, TableDefinition } from './definition.ts';
import type { DefinitionChange } from './definition-change.ts';
import { newTracked, tableKey, take, type Tracked } from './tracked.ts';

/** The tables that are followed, each with what is in force, and the changes of the history that are still to be written. */
export class Entries {
  /** Told of an entry that is not in force any more. */
  readonly onForgotten: ((tracked: Tracked) => void)[] = [];
  readonly #tables = new Map<string, Tracked>();
  readonly #pending: DefinitionChange[] = [];

  get(schema: string, table: string): Tracked | undefined {
    return this.#tables.get(tableKey(schema, table));
  }

  find({ schema, table }: TableName): Tracked | undefined {
    return this.get(schema, table);
  }

  all(): Tracked[] {
    return [...this.#tables.values()];
  }

  add(schema: string, table: string, from: Position, state: Tracked['state']): Tracked {
    const tracked = newTracked(schema, table, from, state);
    this.#tables.set(tableKey(schema, table), tracked);
    return tracked;
  }

  /** With the rows themselves, so that whoever finds them in the log knows that a reading is to come, also after a restart. */
  note(tracked: Tracked): void {
    tracked.noted = true;
    this.push({ kind: 'seen', schema: tracked.schema, table: tracked.table, from: tracked.from });
  }

  /** Whether it is in force still. */
  isCurrent(tracked: Tracked): boolean {
    return this.find(tracked) === tracked;
  }

  forget(tracked: Tracked): void {
    this.#tables.delete(tableKey(tracked.schema, tracked.table));
    for (const told of this.onForgotten) told(tracked);
  }

  push(change: DefinitionChange): void {
    this.#pending.push(change);
  }

  /** The changes since the last call, in order. */
  drain(): readonly DefinitionChange[] {
    return this.#pending.splice(0);
  }
}

export function prove(tracked: Tracked, definition: TableDefinition | SchemaDefaults | null): void {
  tracked.state = 'proven';
  take(tracked, definition);
}

export function isKnown(tracked: Tracked | undefined): tracked is Tracked {
  return tracked !== undefined && (tracked.state === 'replaying' || (tracked.state === 'proven' && tracked.text !== null));
}
