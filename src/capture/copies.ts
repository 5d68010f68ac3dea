import { isCopyName, isLogName, loggedTable, namedCopy, sameColumns } from '../binlog/sql/online-copy.ts';
import type { DdlStatement, TableName } from '../binlog/sql/classify.ts';
import type { TableDefinition } from '../schema/definition.ts';
import { tableKey } from '../schema/tracked.ts';

/** A table that an online schema change fills: rows there are the tool's work, and no change of data. */
export interface Copy {
  readonly schema: string;
  readonly table: string;
  /** The table that is changed, in the same schema. */
  readonly of: string;
  /** `log`: what gh-ost notes about its own work. */
  readonly kind: 'copy' | 'log';
}

/** What became of a copy. `swapped`: it has the table's name now. `kept`: it may be there still, but not for certain as a copy. Stored as text. */
export type CopyFate = 'swapped' | 'dropped' | 'kept';

/** What the ledger must learn, in order. `seconds`: when, as the event's header says. */
export type CopyChange =
  | { readonly kind: 'begun'; readonly copy: Copy; readonly seconds: number }
  | { readonly kind: 'ended'; readonly copy: Copy; readonly fate: CopyFate; readonly seconds: number };

/** A DDL statement that took effect. */
export interface CopyDdl {
  readonly statement: DdlStatement;
  /** The session's default schema. */
  readonly schema: string;
  readonly sql: string;
  readonly sqlMode: number;
  readonly seconds: number;
}

export interface CopiesOptions {
  /** False: rows of copies are captured like all others. */
  readonly skip: boolean;
  readonly flavour: 'mysql' | 'mariadb';
  /** The newest definition of a table; null while there is none. */
  readonly definitionOf: (schema: string, table: string) => TableDefinition | null;
}

/** SHOW CREATE TABLE is read without ANSI_QUOTES. */
const PLAIN_MODE = 0;

/**
 * Which tables gh-ost and pt-online-schema-change are filling. Only what the log itself shows counts: the name, and that the table was made as
 * a copy (LIKE, or in the words of SHOW CREATE TABLE), or that triggers of the tool write to it. Whatever leaves doubt ends that.
 */
export class Copies {
  readonly #options: CopiesOptions;
  readonly #copies = new Map<string, Copy>();
  readonly #pending: CopyChange[] = [];

  /** @param adopted what the ledger holds as being filled. */
  constructor(options: CopiesOptions, adopted: readonly Copy[]) {
    this.#options = options;
    for (const copy of adopted) this.#copies.set(tableKey(copy.schema, copy.table), copy);
    if (!options.skip) this.lost(Math.floor(Date.now() / 1000));
  }

  find(schema: string, table: string): Copy | null {
    // Asked for every TABLE_MAP, and as a rule there is none.
    if (this.#copies.size === 0) return null;
    return this.#copies.get(tableKey(schema, table)) ?? null;
  }

  /** Hands out the changes since the last call, in order. */
  drain(): readonly CopyChange[] {
    return this.#pending.splice(0);
  }

  /** Events are lost, and DDL may have been among them. */
  lost(seconds: number): void {
    this.#endWhere(() => true, 'kept', seconds);
  }

  changed(event: CopyDdl): void {
    if (!this.#options.skip) return;
    const { statement, seconds } = event;
    const { verb, object, tables, renames, database } = statement;
    if (!statement.certain) {
      const schemas = new Set([database ?? event.schema, ...tables.map(({ schema }) => schema)]);
      this.#endWhere(({ schema }) => schemas.has(schema), 'kept', seconds);
    } else if (database !== null) {
      if (verb === 'DROP') this.#endWhere(({ schema }) => schema === database, 'dropped', seconds);
    } else if (object === 'TRIGGER') this.#trigger(event);
    else if (object !== 'TABLE') return;
    else if (renames.length > 0) this.#renamed(renames, seconds);
    else if (verb === 'DROP') {
      for (const name of tables) this.#end(name, 'dropped', seconds);
      for (const name of tables) this.#baseGone(name, seconds);
    } else if (verb === 'CREATE') this.#created(event);
  }

  #created(event: CopyDdl): void {
    const { statement, sql, sqlMode, seconds } = event;
    const [made] = statement.tables;
    if (!made) return;
    const known = this.find(made.schema, made.table);
    if (known && statement.ifNotExists && !statement.orReplace) return;
    if (known) this.#end(made, 'dropped', seconds);
    const dialect = { sqlMode, flavour: this.#options.flavour };
    const { like } = statement;
    if (like !== null) {
      if (like.schema === made.schema && isCopyName(made.table, like.table)) this.#begin({ ...named(made), of: like.table, kind: 'copy' }, seconds);
      return;
    }
    if (statement.likeOrSelect !== null) return;
    const logged = loggedTable(made.table, sql, dialect) ?? this.#changing(made);
    if (logged !== null) this.#begin({ ...named(made), of: logged, kind: 'log' }, seconds);
    else {
      const of = this.#madeLike(made, sql, sqlMode);
      if (of !== null) this.#begin({ ...named(made), of, kind: 'copy' }, seconds);
    }
  }

  /** The table that is being changed, for a table with the name of its log. */
  #changing({ schema, table }: TableName): string | null {
    const changed = [...this.#copies.values()].find((copy) => copy.kind === 'copy' && copy.schema === schema && isLogName(table, copy.of));
    return changed?.of ?? null;
  }

  /** The table with these very columns that this is the name of a copy of. */
  #madeLike({ schema, table }: TableName, sql: string, sqlMode: number): string | null {
    const bare = /^_+(.+)_(?:gho|new)$/.exec(table)?.[1];
    if (bare === undefined) return null;
    // The table's own name may begin with underscores.
    const names = Array.from({ length: table.indexOf(bare) }, (_, underscores) => '_'.repeat(underscores) + bare);
    const { flavour, definitionOf } = this.#options;
    return names.find((name) => {
      const definition = definitionOf(schema, name);
      return definition !== null && sameColumns(sql, { sqlMode, flavour }, definition.sql, { sqlMode: PLAIN_MODE, flavour });
    }) ?? null;
  }

  /** pt-online-schema-change carries changes over by triggers, which it makes before it copies. */
  #trigger({ statement, sql, sqlMode, seconds }: CopyDdl): void {
    const [on] = statement.tables;
    if (statement.verb !== 'CREATE' || !on || statement.name?.table.startsWith('pt_osc_') !== true) return;
    const copy = namedCopy(sql, { sqlMode, flavour: this.#options.flavour }, on.table);
    if (copy !== null && !this.find(on.schema, copy)) this.#begin({ schema: on.schema, table: copy, of: on.table, kind: 'copy' }, seconds);
  }

  #renamed(renames: DdlStatement['renames'], seconds: number): void {
    for (const { from, to } of renames) {
      const copy = this.find(from.schema, from.table);
      if (copy) this.#end(from, to.schema === copy.schema && to.table === copy.of ? 'swapped' : 'kept', seconds);
    }
    for (const { from } of renames) this.#baseGone(from, seconds);
  }

  /** What was a copy of it may be anything now. */
  #baseGone({ schema, table }: TableName, seconds: number): void {
    this.#endWhere((copy) => copy.kind === 'copy' && copy.schema === schema && copy.of === table, 'kept', seconds);
  }

  #begin(copy: Copy, seconds: number): void {
    this.#copies.set(tableKey(copy.schema, copy.table), copy);
    this.#pending.push({ kind: 'begun', copy, seconds });
  }

  #end({ schema, table }: TableName, fate: CopyFate, seconds: number): void {
    const copy = this.find(schema, table);
    if (!copy) return;
    this.#copies.delete(tableKey(schema, table));
    this.#pending.push({ kind: 'ended', copy, fate, seconds });
  }

  #endWhere(ended: (copy: Copy) => boolean, fate: CopyFate, seconds: number): void {
    for (const copy of [...this.#copies.values()]) if (ended(copy)) this.#end(copy, fate, seconds);
  }
}

function named({ schema, table }: TableName): TableName {
  return { schema, table };
}
