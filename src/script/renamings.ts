import type { Connection } from 'mysql2/promise';
import { classifyQuery, type DdlStatement, type TableName } from '../binlog/sql/classify.ts';
import { columnRenames } from '../binlog/sql/column-renames.ts';
import { fileNumber } from '../core/position.ts';
import { rows } from '../core/mysql.ts';
import type { ColumnRenames } from '../rollback/carry-over.ts';
import type { Ledger } from '../store/ledger.ts';
import type { DefinitionEntry } from '../store/log-reader.ts';
import { isCopySwap } from './ddl/online-change.ts';
import type { UndoneDdl } from './ddl/undone.ts';
import type { LogRange } from './range.ts';
import { fromOperations } from './tally.ts';

interface Place {
  readonly ordinal: number;
  readonly incarnationId: number;
  readonly end: { readonly number: number; readonly offset: number };
}

/** A statement that may have renamed tables or columns. */
export interface RenamingDdl extends Place {
  /** The table that it alters; null for RENAME TABLE. */
  readonly altered: TableName | null;
  readonly tables: DdlStatement['renames'];
  /** Null: its text is longer than what the log keeps of it. */
  readonly columns: ColumnRenames | null;
}

/** Columns renamed by one statement; null: they cannot be told. */
export interface Renaming extends Place {
  readonly renames: ColumnRenames | null;
}

/** A table's way from the rows of a name to where they are undone. */
export interface Journey {
  /** What it is called when its rows are undone. */
  readonly name: TableName;
  /** Statements that renamed its columns, oldest first. */
  readonly renamings: readonly Renaming[];
  /** The undone DDL that finds it under this name; null: it is the table of now. */
  readonly undone: UndoneDdl | null;
}

/** The renaming statements from an ordinal on, oldest first. */
export async function readRenamings(connection: Connection, ledger: Ledger, range: LogRange, fromOrdinal: number): Promise<RenamingDdl[]> {
  const found = await rows<Record<string, string | number> & { statement: Buffer }>(connection,
    `SELECT o.ordinal AS ordinal, t.incarnation_id AS incarnation_id, t.end_file AS file, t.end_offset AS offset_, o.statement AS statement,
       o.statement_bytes AS bytes, o.default_schema AS default_schema, o.sql_mode AS sql_mode ${fromOperations(ledger)}
     WHERE o.source_id = ? AND o.ordinal >= ? AND o.ddl = 1 AND o.type IN ('ALTERTABLE', 'RENAMETABLE') AND o.statement IS NOT NULL ORDER BY o.ordinal, o.seq`,
    [range.source.id, fromOrdinal]);
  const { flavour } = range.source;
  // A statement has an operation for each of its tables.
  return found.filter(({ ordinal }, i) => ordinal !== found[i - 1]?.ordinal).flatMap((ddl): RenamingDdl[] => {
    const sql = ddl.statement.toString('utf8');
    const sqlMode = Number(ddl.sql_mode);
    const query = classifyQuery(sql, { schema: String(ddl.default_schema), sqlMode, flavour });
    if (query.kind !== 'ddl') return [];
    const { verb, tables, renames } = query.statement;
    const columns = Number(ddl.bytes) > ddl.statement.length ? null : columnRenames(sql, { sqlMode, flavour });
    if (columns !== null && columns.length === 0 && renames.length === 0) return [];
    return [{
      ordinal: Number(ddl.ordinal), incarnationId: Number(ddl.incarnation_id), end: { number: fileNumber(String(ddl.file)), offset: Number(ddl.offset_) },
      altered: verb === 'ALTER' ? tables[0] ?? null : null, tables: renames, columns,
    }];
  });
}

const same = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.table === b.table;

/**
 * Follows a table from the rows that it had under a name at an ordinal.
 * @param undone DDL that a script takes back before it comes to these rows: the way ends where the first of them begins.
 */
export function journeyOf(statements: readonly RenamingDdl[], from: TableName, ordinal: number, undone: readonly UndoneDdl[]): Journey {
  let name: TableName = { schema: from.schema, table: from.table };
  const renamings: Renaming[] = [];
  const steps = [...statements, ...undone].sort((a, b) => ordinalOf(a) - ordinalOf(b));
  for (const step of steps) {
    if (ordinalOf(step) <= ordinal) continue;
    if ('around' in step) {
      if (step.around.before.some((expected) => same(expected, name))) return { name, renamings, undone: step };
      continue;
    }
    const { altered, tables, columns } = step;
    if (altered !== null && same(altered, name) && (columns === null || columns.length > 0)) renamings.push({ ...step, renames: columns });
    if (!isCopySwap(tables, name)) name = renamed(tables, name);
  }
  return { name, renamings, undone: null };
}

const ordinalOf = (step: RenamingDdl | UndoneDdl): number => ('around' in step ? step.operation.ordinal : step.ordinal);

/** What a table is called behind renames. */
export function renamed(pairs: DdlStatement['renames'], name: TableName): TableName {
  let current = name;
  for (const { from, to } of pairs) if (same(from, current)) current = to;
  return current;
}

/** Those that came after a definition was no longer in force. */
export function renamingsAfter(renamings: readonly Renaming[], { until }: DefinitionEntry, incarnationId: number): Renaming[] {
  if (until === null) return [];
  return renamings.filter((renaming) => renaming.incarnationId > incarnationId || renaming.end.number > until.number
    || (renaming.end.number === until.number && renaming.end.offset >= until.offset));
}
