import type { Connection, RowDataPacket } from 'mysql2/promise';

type TextRow = RowDataPacket & [string];

/**
 * The undo text of one operation as Archery gets it from goInception's tables: two queries with unquoted names and
 * without ORDER BY, the first row of the first, all rows of the second, joined by line ends (sql/engines/goinception.py).
 */
export async function archeryRollback(log: Connection, database: string, opid: string): Promise<string> {
  const [tables] = await log.query<TextRow[]>({
    sql: `select tablename from ${database}.$_$Inception_backup_information$_$ where opid_time='${opid}';`, rowsAsArray: true,
  });
  const table = tables[0]?.[0] ?? '';
  const [statements] = await log.query<TextRow[]>({
    sql: `select rollback_statement from ${database}.${table} where opid_time='${opid}'`, rowsAsArray: true,
  });
  return statements.map((row) => row[0]).join('\n');
}
