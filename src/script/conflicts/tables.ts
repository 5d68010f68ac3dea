import { parseTableMap } from '../../binlog/table-map.ts';
import { UndoError } from '../../core/errors.ts';
import { buildShape, type HashedList } from '../../rollback/index.ts';
import { resolveDefinition, type DefinitionCandidate } from '../../rollback/resolve-definition.ts';
import type { TableDefinition } from '../../schema/definition.ts';
import { inForce, readDefinitions, type DefinitionEntry, type LoggedRows, type StoredTransaction } from '../../store/log-reader.ts';
import type { ScriptContext } from '../context.ts';
import { tableKey, type TableHistory } from '../definitions.ts';
import type { ForeignKey } from '../foreign-keys.ts';
import type { LogRange } from '../range.ts';
import { presentDefinitions } from '../source-now.ts';
import { ChangeReader } from './change-reader.ts';
import { rulesOf, type Rule, type TableRules } from './rules.ts';

/** A table that conflicts may lie in: one of the selection, or at the other end of a foreign key of one. */
interface KnownTable {
  readonly present: TableDefinition;
  readonly entries: readonly DefinitionEntry[];
}

/** Finds how to read the changes of the tables that matter. */
export class ConflictTables {
  readonly #tables: ReadonlyMap<string, KnownTable>;
  readonly #foreignKeys: readonly ForeignKey[];
  readonly #full: boolean;
  readonly #readers = new Map<string, ChangeReader | null>();
  readonly left = new Set<string>();
  /** Tables with rows that could not be compared. */
  readonly unread = new Set<string>();

  private constructor(tables: ReadonlyMap<string, KnownTable>, foreignKeys: readonly ForeignKey[], full: boolean) {
    this.#tables = tables;
    this.#foreignKeys = foreignKeys;
    this.#full = full;
  }

  /** @param full the undo of an update writes every column. */
  static async open(
    { connection, ledger }: ScriptContext, range: LogRange, histories: Iterable<TableHistory>, foreignKeys: readonly ForeignKey[], full: boolean,
  ): Promise<ConflictTables> {
    const tables = new Map<string, KnownTable>();
    for (const { schema, table, present, entries } of histories) if (present) tables.set(tableKey(schema, table), { present, entries });
    const others = new Map(foreignKeys.flatMap(({ child, parent }) => [child, parent]).map((name) => [tableKey(name.schema, name.table), name] as const));
    for (const key of tables.keys()) others.delete(key);
    const found = range.live && others.size > 0 ? await presentDefinitions(range.live.endpoint, [...others.values()]) : null;
    for (const [key, { schema, table }] of others) {
      const present = found?.get(key);
      if (present) tables.set(key, { present, entries: await readDefinitions(connection, ledger, range.source.id, range.incarnationId, schema, table) });
    }
    return new ConflictTables(tables, foreignKeys, full);
  }

  definition(schema: string, table: string): TableDefinition | null {
    return this.#tables.get(tableKey(schema, table))?.present ?? null;
  }

  get names(): { readonly schema: string; readonly table: string }[] {
    return [...this.#tables.values()].map(({ present }) => ({ schema: present.schema, table: present.table }));
  }

  /** @returns null for tables that do not matter, and for rows that cannot be compared with those of today's definition. */
  find(transaction: StoredTransaction, { record }: LoggedRows): ChangeReader | null {
    const bytes = record.tableMap.toString('latin1');
    let reader = this.#readers.get(bytes);
    if (reader === undefined) {
      reader = this.#compile(transaction, record);
      if (this.#readers.size >= 2000) this.#readers.clear();
      this.#readers.set(bytes, reader);
    }
    return reader;
  }

  #compile(transaction: StoredTransaction, record: LoggedRows['record']): ChangeReader | null {
    const map = parseTableMap(record.tableMap, 0, record.tableMap.length);
    const known = this.#tables.get(tableKey(map.schema, map.table));
    if (!known) return null;
    const at = { file: transaction.rowsFile, offset: record.offset };
    const candidates: DefinitionCandidate[] = known.entries.map((entry) => ({ ...entry, inForce: inForce(entry, at) }));
    const verdict = resolveDefinition(map, [...candidates, { definition: known.present, proven: false, inForce: false }]);
    try {
      if (verdict.kind !== 'known') throw new UndoError('DEFINITION_UNKNOWN', 'not known');
      const rules = rulesOf(known.present, this.#foreignKeys, (schema, table) => this.definition(schema, table));
      for (const key of rules.left) this.left.add(`${map.schema}.${map.table}: ${key}`);
      return new ChangeReader(buildShape(map, verdict.definition), inTermsOf(verdict.definition, rules, known.present), known.present, this.#full);
    } catch (error) {
      if (!(error instanceof UndoError)) throw error;
      this.unread.add(`${map.schema}.${map.table}`);
      return null;
    }
  }
}

/** The same rules over rows of another time: columns by name. @throws UndoError DEFINITION_CHANGED when a key's values are not comparable. */
function inTermsOf(then: TableDefinition, { checks, emits, left }: TableRules, now: TableDefinition): TableRules {
  const moved = (list: HashedList): HashedList => ({ ...list, columns: list.columns.map((place) => placeThen(then, now, place)) });
  if ([...checks, ...emits].some(({ list }) => list.whole) && then.columns.length !== now.columns.length) throw new UndoError('DEFINITION_CHANGED', 'other columns');
  const rule = (one: Rule): Rule => ({ ...one, list: moved(one.list) });
  return { checks: checks.map(rule), emits: emits.map(rule), left };
}

function placeThen(then: TableDefinition, now: TableDefinition, place: number): number {
  const column = now.columns[place]!;
  const index = then.columns.findIndex(({ name }) => name.toLowerCase() === column.name.toLowerCase());
  const before = then.columns[index];
  if (before?.columnType !== column.columnType || before.characterSet !== column.characterSet || before.collation !== column.collation) {
    throw new UndoError('DEFINITION_CHANGED', `column ${column.name} was another one`);
  }
  return index;
}
