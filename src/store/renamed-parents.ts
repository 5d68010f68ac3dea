import type { Connection } from 'mysql2/promise';
import { classifyQuery, type TableName } from '../binlog/sql/classify.ts';
import { rows } from '../core/mysql.ts';
import { fileNumber } from '../core/position.ts';
import { quoteName, quoteTable } from '../core/identifiers.ts';
import { referredTables, withReferredTables } from '../schema/foreign-key-columns.ts';
import type { TableDefinition } from '../schema/definition.ts';
import type { Ledger } from './ledger.ts';
import type { StoredTransaction } from './log-reader.ts';
import type { SourceRecord } from './registry.ts';

interface LastRename {
  readonly statement: Buffer;
  readonly default_schema: string;
  readonly sql_mode: number | string;
  readonly start_file: string;
  readonly start_offset: number | string;
  readonly end_file: string;
  readonly end_offset: number | string;
}

interface End { readonly until_number: number | string | null; readonly until_offset: number | string | null }

/** Longer chains of renames than anybody makes. */
const MOST_RENAMES = 20;
const keyOf = ({ schema, table }: TableName): string => `${schema}\0${table}`;

/**
 * A server renames the parent in the foreign keys of its children, of which the children's own history knows nothing.
 * @returns what writes a definition with its parents as they are called when the transaction begins.
 */
export async function presentParents(
  connection: Connection, ledger: Ledger, source: Pick<SourceRecord, 'id' | 'flavour'>, transaction: StoredTransaction, definitions: readonly TableDefinition[],
): Promise<(definition: TableDefinition) => TableDefinition> {
  const names = new Map<string, TableName>();
  for (const { schema, sql } of definitions) {
    for (const parent of referredTables(sql, schema)) {
      if (!names.has(keyOf(parent))) names.set(keyOf(parent), await presentName(connection, ledger, source, transaction, parent));
    }
  }
  return (definition) => ({
    ...definition,
    sql: withReferredTables(definition.sql, definition.schema, (parent) => {
      const now = names.get(keyOf(parent)) ?? parent;
      return now.schema === definition.schema ? quoteName(now.table) : quoteTable(now.schema, now.table);
    }),
  });
}

async function presentName(
  connection: Connection, ledger: Ledger, source: Pick<SourceRecord, 'id' | 'flavour'>, transaction: StoredTransaction, first: TableName,
): Promise<TableName> {
  let name = first;
  for (let i = 0; i < MOST_RENAMES; i++) {
    const rename = await renamedAway(connection, ledger, source.id, transaction, name);
    if (!rename) return name;
    const query = classifyQuery(rename.statement.toString('utf8'), { schema: rename.default_schema, sqlMode: Number(rename.sql_mode), flavour: source.flavour });
    if (query.kind !== 'ddl') return first;
    // Pair by pair, as the server does.
    const before = name;
    for (const { from, to } of query.statement.renames) if (keyOf(from) === keyOf(name)) name = { schema: to.schema, table: to.table };
    if (keyOf(before) === keyOf(name)) return first;
  }
  return first;
}

/** The statement that took a name from the table which had it last before the transaction; null where there is one, or another statement ended it. */
async function renamedAway(connection: Connection, ledger: Ledger, sourceId: number, { incarnationId, ordinal, start }: StoredTransaction, { schema, table }: TableName): Promise<LastRename | null> {
  const end = await lastEnd(connection, ledger, [sourceId, incarnationId, schema, table], fileNumber(start.file), start.offset);
  if (end === null || end[0] > fileNumber(start.file) || (end[0] === fileNumber(start.file) && end[1] > start.offset)) return null;
  const found = await rows<LastRename>(connection,
    `SELECT o.statement, o.default_schema, o.sql_mode, t.start_file, t.start_offset, t.end_file, t.end_offset
     FROM ${ledger.table('operations')} o JOIN ${ledger.table('transactions')} t ON t.source_id = o.source_id AND t.ordinal = o.ordinal
     WHERE o.source_id = ? AND o.schema_name = ? AND o.table_name = ? AND o.ordinal < ? AND o.ddl = 1 AND o.type IN ('RENAMETABLE', 'ALTERTABLE')
       AND t.incarnation_id = ? AND OCTET_LENGTH(o.statement) = o.statement_bytes ORDER BY o.ordinal DESC LIMIT 100`,
    [sourceId, schema, table, ordinal, incarnationId]);
  const before = (file: string, offset: number | string): boolean => fileNumber(file) < end[0] || (fileNumber(file) === end[0] && Number(offset) < end[1]);
  return found.find((one) => before(one.start_file, one.start_offset) && !before(one.end_file, one.end_offset)) ?? null;
}

/** Where the last definition that a name had by a position ended; null: not yet, or it never had one. */
async function lastEnd(connection: Connection, ledger: Ledger, name: readonly (string | number)[], file: number, offset: number): Promise<readonly [number, number] | null> {
  const [found] = await rows<End>(connection,
    `SELECT until_number, until_offset FROM ${ledger.table('definitions')} WHERE source_id = ? AND incarnation_id = ? AND schema_name = ? AND table_name = ?
       AND definition IS NOT NULL AND (from_number < ? OR (from_number = ? AND from_offset <= ?)) ORDER BY from_number DESC, from_offset DESC, id DESC LIMIT 1`,
    [...name, file, file, offset]);
  return found?.until_number === null || found?.until_offset === null || found === undefined ? null : [Number(found.until_number), Number(found.until_offset)];
}
