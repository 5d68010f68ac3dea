import { createHash } from 'node:crypto';
import { quoteName, quoteTable, quoteText } from '../../core/identifiers.ts';
import { fillerOf } from '../../rollback/carry-over.ts';
import type { ColumnDefinition, TableDefinition } from '../../schema/definition.ts';
import { countOf, printOf } from '../../schema/objects/object-print.ts';
import type { Expectation } from './expectations.ts';
import type { ObjectExpectation } from './object-expectations.ts';

/*
 * What sections of a script look at before and after their DDL, in plain SQL over information_schema: a stock client can
 * neither branch nor read SHOW CREATE TABLE. Names are compared as bytes, so that no collation has a say.
 */

const utf8 = (expression: string): string => `CAST(CONVERT(${expression} USING utf8mb4) AS BINARY)`;
const listed = (expressions: readonly string[], order: string): string =>
  `SELECT GROUP_CONCAT(CONCAT_WS('|',${expressions.map(utf8).join(',')}) ORDER BY ${order} SEPARATOR ';')`;

/** The text whose hash the server computes from its catalogue: columns in order with type, nullability and collation, and indexes. */
function fingerprint({ columns, keys }: TableDefinition): string {
  const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
  const own = columns.map(({ name, columnType, nullable, collation }) => [name, columnType, nullable ? 'YES' : 'NO', collation ?? ''].join('|'));
  const parts = keys.toSorted((a, b) => bytes(a.name).compare(bytes(b.name)))
    .flatMap(({ name, unique, parts: of }) => of.map(({ column, prefix }) => [name, unique ? '0' : '1', column ?? '', prefix === null ? '' : String(prefix)].join('|')));
  return `${own.join(';')}\n${parts.join(';')}`;
}

/** True while a name stands for what is expected. */
export function isAsExpected({ schema, table, definition }: Expectation): string {
  const where = `WHERE table_schema=${quoteText(schema)} AND table_name=${quoteText(table)}`;
  if (definition === null) return `(SELECT COUNT(*)=0 FROM information_schema.tables ${where})`;
  const columns = listed(['column_name', 'column_type', 'is_nullable', "IFNULL(collation_name,'')"], 'ordinal_position');
  // Without the numbers of the parts: MariaDB counts a hidden one in tables with system versioning.
  const indexes = listed(['index_name', 'non_unique', "IFNULL(column_name,'')", "IFNULL(sub_part,'')"], `${utf8('index_name')},seq_in_index`);
  const hash = createHash('sha256').update(fingerprint(definition)).digest('hex');
  return `(SELECT SHA2(CONCAT(IFNULL((${columns} FROM information_schema.columns ${where}),''),X'0A',IFNULL((${indexes} FROM information_schema.statistics ${where}),'')),256)='${hash}')`;
}

/** The number of things in a database. */
export function contentsOf(schema: string): string {
  const count = (table: string, column: string): string => `(SELECT COUNT(*) FROM information_schema.${table} WHERE ${column}=${quoteText(schema)})`;
  return [count('tables', 'table_schema'), count('routines', 'routine_schema'), count('events', 'event_schema')].join('+');
}

/** Conditions, in order, that hold while a name stands for what is expected. The second may fail where the first does not hold. */
export function objectIsAsExpected({ there, print, ...of }: ObjectExpectation, flavour: 'mysql' | 'mariadb'): string[] {
  if (there) return [`(${countOf(of)}=1)`, ...(print === null ? [] : [`(${printOf(of, flavour)}='${print}')`])];
  // Views and sequences have their names among those of tables.
  return [of.kind === 'VIEW' || of.kind === 'SEQUENCE' ? isAsExpected({ schema: of.schema, table: of.name, definition: null }) : `(${countOf(of)}=0)`];
}

const PLAIN_DEFAULT = /\bDEFAULT (?:'(?:[^'\\]|''|\\.)*'|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NULL|b'[01]*')(?: |$)/i;

/**
 * Rows that hold something in a column that ALTER TABLE did not put there, as a condition; null: none can.
 * @param body how SHOW CREATE TABLE describes the column.
 */
export function wasWritten(column: ColumnDefinition, body: string): string | null {
  if (column.generated !== null || column.rowPeriod !== null) return null;
  const name = quoteName(column.name);
  const compared = (value: string): string => (column.characterSet === null ? `NOT (${name}<=>${value})` : `NOT (CAST(${name} AS BINARY)<=>CAST(${value} AS BINARY))`);
  if (column.autoIncrement) return 'TRUE';
  if (!/ DEFAULT /i.test(` ${body} `.replace(/'(?:[^'\\]|''|\\.)*'/g, "''"))) {
    if (column.nullable) return `${name} IS NOT NULL`;
    const filler = fillerOf(column);
    if (column.dataType === 'enum') return `NOT (${name}+0<=>1)`;
    return filler === null ? 'TRUE' : compared(filler);
  }
  // What another default gave to the rows that were there cannot be told any more.
  return PLAIN_DEFAULT.test(body) ? compared(`DEFAULT(${name})`) : 'TRUE';
}

/** How many rows of a table meet a condition, as an expression. */
export function rowsWhere({ schema, table }: { readonly schema: string; readonly table: string }, condition: string): string {
  return `(SELECT COUNT(*) FROM ${quoteTable(schema, table)}${condition === 'TRUE' ? '' : ` WHERE ${condition}`})`;
}
