import type { Connection } from 'mysql2/promise';
import { fileNumber, type Position } from '../core/position.ts';
import { run } from '../core/mysql.ts';
import type { DefinitionChange } from '../schema/definition-change.ts';
import type { LogScope } from './log-sql.ts';

/** Tables named by one statement at most. */
const TABLES_PER_STATEMENT = 200;

type Of<K extends DefinitionChange['kind']> = Extract<DefinitionChange, { readonly kind: K }>;

/** Writes what the history of definitions must learn, in order; neighbours of one kind together, where there may be thousands. */
export async function applyDefinitionChanges(connection: Connection, scope: LogScope, changes: readonly DefinitionChange[]): Promise<void> {
  for (let at = 0; at < changes.length; ) {
    const change = changes[at]!;
    let end = at + 1;
    if (change.kind === 'seeded' || change.kind === 'proven') {
      while (end < changes.length && end - at < TABLES_PER_STATEMENT && changes[end]!.kind === change.kind && changes[end]!.schema === change.schema) end++;
    }
    const group = changes.slice(at, end);
    if (change.kind === 'seeded') await insertSeeded(connection, scope, group as Of<'seeded'>[]);
    else if (change.kind === 'proven') await markProven(connection, scope, group as Of<'proven'>[]);
    else await applyOne(connection, scope, change);
    at = end;
  }
}

const CURRENT = 'source_id = ? AND incarnation_id = ? AND until_number IS NULL';
const COLUMNS = '(source_id, incarnation_id, schema_name, table_name, from_number, from_offset, read_number, read_offset, proven, definition, ddl)';

function place({ file, offset }: Position): [number, number] {
  return [fileNumber(file), offset];
}

function text(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

async function insertSeeded(connection: Connection, scope: LogScope, changes: readonly Of<'seeded'>[]): Promise<void> {
  const values = changes.map(({ schema, table, from, readAt, definition }) =>
    [scope.sourceId, scope.incarnationId, schema, table, ...place(from), ...place(readAt), 0, text(definition), null]);
  await connection.query(`INSERT INTO ${scope.ledger.table('definitions')} ${COLUMNS} VALUES ?`, [values]);
}

async function markProven(connection: Connection, scope: LogScope, changes: readonly Of<'proven'>[]): Promise<void> {
  await connection.query(`UPDATE ${scope.ledger.table('definitions')} SET proven = 1 WHERE ${CURRENT} AND schema_name = ? AND table_name IN (?)`,
    [scope.sourceId, scope.incarnationId, changes[0]!.schema, changes.map(({ table }) => table)]);
}

async function applyOne(connection: Connection, scope: LogScope, change: Exclude<DefinitionChange, { readonly kind: 'seeded' | 'proven' }>): Promise<void> {
  const table = scope.ledger.table('definitions');
  const life = [scope.sourceId, scope.incarnationId];
  if (change.kind === 'superseded') {
    const scopeSql = `AND schema_name = ?${change.table === null ? '' : ' AND table_name = ?'}`;
    const [number, offset] = place(change.at);
    await run(connection,
      `UPDATE ${table} SET until_number = ?, until_offset = ? WHERE ${CURRENT} ${scopeSql} AND (read_number < ? OR (read_number = ? AND read_offset < ?))`,
      [number, offset, ...life, change.schema, ...(change.table === null ? [] : [change.table]), number, number, offset]);
    return;
  }
  const name = [change.schema, change.table];
  const unproven = `${CURRENT} AND schema_name = ? AND table_name = ? AND proven = 0`;
  const entry = 'source_id = ? AND incarnation_id = ? AND schema_name = ? AND table_name = ? AND from_number = ? AND from_offset = ?';
  switch (change.kind) {
    case 'seen': case 'replaying':
      await run(connection, `INSERT INTO ${table} ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, ?)`,
        [...life, ...name, ...place(change.from), ...place(change.from), change.kind === 'seen' ? null : text(change.ddl)]);
      return;
    case 'read':
      await run(connection, `UPDATE ${table} SET read_number = ?, read_offset = ?, definition = ? WHERE ${unproven}`,
        [...place(change.readAt), text(change.definition), ...life, ...name]);
      return;
    case 'moved':
      await run(connection, `UPDATE ${table} SET from_number = ?, from_offset = ? WHERE ${unproven}`, [...place(change.from), ...life, ...name]);
      return;
    case 'discarded':
      // The DDL that made the reading worthless follows, and ends the entry.
      await run(connection, `UPDATE ${table} SET read_number = from_number, read_offset = from_offset, definition = NULL WHERE ${unproven}`, [...life, ...name]);
      return;
    case 'replayed':
      if (change.definition === null) await run(connection, `DELETE FROM ${table} WHERE ${entry}`, [...life, ...name, ...place(change.from)]);
      else await run(connection, `UPDATE ${table} SET definition = ?, proven = 1, ddl = NULL WHERE ${entry}`, [text(change.definition), ...life, ...name, ...place(change.from)]);
      return;
    case 'unreplayed':
      await run(connection, `UPDATE ${table} SET definition = NULL, proven = 0, ddl = NULL WHERE ${entry}`, [...life, ...name, ...place(change.from)]);
      return;
    case 'corrected':
      await run(connection, `UPDATE ${table} SET definition = ? WHERE ${CURRENT} AND schema_name = ? AND table_name = ? AND proven = 1`, [text(change.definition), ...life, ...name]);
  }
}
