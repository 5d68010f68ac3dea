import type { Connection } from 'mysql2/promise';
import { grouped } from '../core/grouped.ts';
import { rows } from '../core/mysql.ts';
import type { ColumnDefinition, KeyDefinition, TableDefinition } from './definition.ts';

interface OfTable { of_table: string }

const ofTable = ({ of_table: table }: OfTable): string => table;

interface TableRow extends OfTable { engine: string | null; table_type: string; transactions: string | null }

interface ColumnRow extends OfTable {
  name: string; data_type: string; column_type: string; nullable: string; character_set: string | null; collation: string | null; extra: string;
  expression: string | null; has_default: number | string;
}

interface IndexRow extends OfTable {
  index_name: string; non_unique: number | string; column_name: string | null; sub_part: number | string | null;
}

function toColumn(found: ColumnRow): ColumnDefinition {
  // EXTRA is a list of words; MySQL puts DEFAULT_GENERATED (an expression default, not a generated column) into it.
  const extra = found.extra.toLowerCase();
  const generated = /\b(virtual|stored|persistent)( generated)?\b/.exec(extra)?.[1];
  return {
    name: found.name,
    dataType: found.data_type.toLowerCase(),
    columnType: found.column_type,
    nullable: found.nullable.toUpperCase() === 'YES',
    characterSet: found.character_set,
    collation: found.collation,
    generated: generated === undefined ? null : generated === 'virtual' ? 'virtual' : 'stored',
    invisible: /\binvisible\b/.test(extra),
    autoIncrement: /\bauto_increment\b/.test(extra),
    hasDefault: Number(found.has_default) === 1 || found.nullable.toUpperCase() === 'YES' || /\bauto_increment\b/.test(extra) || generated !== undefined,
    onUpdateNow: /\bon update current_timestamp\b/.test(extra),
    rowPeriod: /^row start$/i.test(found.expression ?? '') ? 'start' : /^row end$/i.test(found.expression ?? '') ? 'end' : null,
  };
}

function toKeys(found: readonly IndexRow[]): KeyDefinition[] {
  const byName = new Map<string, { name: string; primary: boolean; unique: boolean; parts: { column: string | null; prefix: number | null }[] }>();
  for (const part of found) {
    const name = part.index_name;
    const key = byName.get(name) ?? { name, primary: name === 'PRIMARY', unique: Number(part.non_unique) === 0, parts: [] };
    byName.set(name, key);
    key.parts.push({ column: part.column_name, prefix: part.sub_part === null ? null : Number(part.sub_part) });
  }
  return [...byName.values()];
}

/**
 * Reads one table's definition from information_schema, which shows only what the account may see.
 * @param sql what SHOW CREATE TABLE printed, for whoever asked.
 * @returns null when there is no such table (or no right to see it).
 */
export async function readDefinition(connection: Connection, schema: string, table: string, sql = ''): Promise<TableDefinition | null> {
  return (await readDefinitions(connection, schema, new Map([[table, sql]]))).get(table) ?? null;
}

/**
 * The same for many tables of one schema at a time.
 * @param texts by table: what SHOW CREATE TABLE printed. @returns those found.
 */
export async function readDefinitions(connection: Connection, schema: string, texts: ReadonlyMap<string, string>): Promise<Map<string, TableDefinition>> {
  const names = [...texts.keys()];
  // One table is asked for by equality: MariaDB opens every table of the schema otherwise.
  const [is, parameters] = names.length === 1 ? ['= ?', [schema, names[0]!]] : [`IN (${names.map(() => '?').join(', ')})`, [schema, ...names]];
  const tables = await rows<TableRow>(connection,
    `SELECT t.table_name AS of_table, t.engine AS engine, t.table_type AS table_type, e.transactions AS transactions FROM information_schema.tables t
     LEFT JOIN information_schema.engines e ON e.engine = t.engine WHERE t.table_schema = ? AND t.table_name ${is}`, parameters);
  if (!tables.some(({ of_table }) => texts.has(of_table))) return new Map();
  const columns = grouped(await rows<ColumnRow>(connection,
    `SELECT table_name AS of_table, column_name AS name, data_type AS data_type, column_type AS column_type, is_nullable AS nullable,
     character_set_name AS character_set, collation_name AS collation, extra AS extra, column_default IS NOT NULL AS has_default,
     generation_expression AS expression FROM information_schema.columns WHERE table_schema = ? AND table_name ${is} ORDER BY ordinal_position`, parameters), ofTable);
  const indexes = grouped(await rows<IndexRow>(connection,
    `SELECT table_name AS of_table, index_name AS index_name, non_unique AS non_unique, column_name AS column_name, sub_part AS sub_part
     FROM information_schema.statistics WHERE table_schema = ? AND table_name ${is} ORDER BY index_name, seq_in_index`, parameters), ofTable);
  const triggers = grouped(await rows<OfTable & { name: string }>(connection,
    `SELECT event_object_table AS of_table, trigger_name AS name FROM information_schema.triggers
     WHERE event_object_schema = ? AND event_object_table ${is} ORDER BY trigger_name`, parameters), ofTable);
  // The catalogue compares names without regard to case on some servers.
  return new Map(tables.filter(({ of_table }) => texts.has(of_table)).map((found) => [found.of_table, {
    schema, table: found.of_table,
    engine: found.engine ?? '',
    transactional: found.transactions?.toUpperCase() === 'YES',
    columns: (columns.get(found.of_table) ?? []).map(toColumn),
    keys: toKeys(indexes.get(found.of_table) ?? []),
    systemVersioned: found.table_type.toUpperCase().includes('VERSIONED'),
    sequence: found.table_type.toUpperCase() === 'SEQUENCE',
    triggers: (triggers.get(found.of_table) ?? []).map(({ name }) => name),
    sql: texts.get(found.of_table)!,
  }]));
}
