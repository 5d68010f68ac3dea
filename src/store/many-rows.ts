import type { Connection } from 'mysql2/promise';
import { run } from '../core/mysql.ts';
import { literal, type Value } from '../core/sql-literal.ts';

type Row = readonly Value[];

/** Bytes of one multi-row INSERT, about: well inside the smallest max_allowed_packet that `check` accepts. */
const INSERT_BYTES = 2 * 1024 * 1024;
const ROWS_PER_INSERT = 500;

/**
 * INSERT of many rows in statements of bounded size. What the ledger's rows cost is for a good part their text: parsing it is a fifth of what MySQL
 * does for a transaction of one row (docs/benchmarks.md). So it is written in one go, and columns that are NULL in all rows of a statement are left out.
 * @param columns those that are left out have no default but NULL.
 */
export async function insertRows(connection: Connection, table: string, columns: readonly string[], rows: readonly Row[]): Promise<void> {
  for (let at = 0; at < rows.length;) {
    const given = columns.map(() => false);
    let bytes = 0;
    let end = at;
    while (end < rows.length && end - at < ROWS_PER_INSERT && (end === at || bytes < INSERT_BYTES)) {
      const row = rows[end++]!;
      for (let i = 0; i < row.length; i++) {
        const value = row[i] ?? null;
        if (value !== null) given[i] = true;
        bytes += Buffer.isBuffer(value) ? value.length * 2 : 24;
      }
    }
    let sql = `INSERT INTO ${table} (${columns.filter((_, i) => given[i]).join(', ')}) VALUES `;
    for (let first = at; at < end; at++) sql += `${at === first ? '' : ','}(${literals(rows[at]!, given)})`;
    await run(connection, sql, null);
  }
}

function literals(row: Row, given: readonly boolean[]): string {
  let text = '';
  for (let i = 0; i < row.length; i++) if (given[i]) text += `${text === '' ? '' : ','}${literal(row[i] ?? null)}`;
  return text;
}
