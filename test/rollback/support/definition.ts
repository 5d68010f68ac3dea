import type { Connection, RowDataPacket } from 'mysql2/promise';
import { quoteTable } from '../../../src/core/identifiers.ts';
import type { ColumnDefinition, KeyDefinition, TableDefinition } from '../../../src/schema/definition.ts';

/** Reads a definition for the tests of this room: no more of it than rollback uses. */
export async function readDefinition(connection: Connection, schema: string, table: string): Promise<TableDefinition> {
  const [columns] = await connection.query<RowDataPacket[]>(
    `SELECT column_name n, data_type t, column_type c, is_nullable u, character_set_name s, collation_name l, extra e
     FROM information_schema.columns WHERE table_schema=? AND table_name=? ORDER BY ordinal_position`, [schema, table]);
  const [parts] = await connection.query<RowDataPacket[]>(
    `SELECT index_name n, non_unique u, column_name c, sub_part p
     FROM information_schema.statistics WHERE table_schema=? AND table_name=? ORDER BY index_name, seq_in_index`, [schema, table]);
  const [created] = await connection.query<RowDataPacket[]>(`SHOW CREATE TABLE ${quoteTable(schema, table)}`);
  const keys = new Map<string, { name: string; primary: boolean; unique: boolean; parts: KeyDefinition['parts'][number][] }>();
  for (const part of parts) {
    const name = String(part['n']);
    const key = keys.get(name) ?? { name, primary: name === 'PRIMARY', unique: Number(part['u']) === 0, parts: [] };
    key.parts.push({ column: part['c'] as string | null, prefix: part['p'] === null ? null : Number(part['p']) });
    keys.set(name, key);
  }
  return {
    schema, table, engine: 'InnoDB', transactional: true, systemVersioned: false, sequence: false, triggers: [], sql: String(created[0]!['Create Table']),
    columns: columns.map((column): ColumnDefinition => {
      const extra = String(column['e']).toLowerCase();
      return {
        name: String(column['n']), dataType: String(column['t']).toLowerCase(), columnType: String(column['c']), nullable: column['u'] === 'YES',
        characterSet: column['s'] as string | null, collation: column['l'] as string | null,
        generated: /virtual generated/.test(extra) ? 'virtual' : /stored generated|persistent/.test(extra) ? 'stored' : null,
        invisible: /invisible/.test(extra), autoIncrement: /auto_increment/.test(extra), onUpdateNow: /on update current_timestamp/.test(extra), rowPeriod: null,
        hasDefault: true,
      };
    }),
    keys: [...keys.values()],
  };
}
