import type { Connection } from 'mysql2/promise';
import { quoteName } from '../../../src/core/identifiers.ts';
import { exactText, type ColumnType } from '../../support/exact-text.ts';
import { query } from '../../support/scene.ts';

/** Every byte of every column of a table, generated ones too: one line a row, sorted. By table name. */
export type Snapshot = ReadonlyMap<string, readonly string[]>;

/** Reads tables of one schema byte by byte; their columns once. Its session is pinned to UTC. */
export class SnapshotReader {
  readonly #db: Connection;
  readonly #schema: string;
  readonly #flavour: 'mysql' | 'mariadb';
  readonly #queries = new Map<string, string>();

  constructor(db: Connection, schema: string, flavour: 'mysql' | 'mariadb') {
    this.#db = db;
    this.#schema = schema;
    this.#flavour = flavour;
  }

  async read(tables: readonly string[]): Promise<Snapshot> {
    if (tables.some((table) => !this.#queries.has(table))) await this.#learn();
    const snapshot = new Map<string, string[]>();
    for (const table of tables) {
      const rows = await query(this.#db, this.#queries.get(table)!);
      snapshot.set(table, rows.map(({ r }) => String(r)).sort());
    }
    return snapshot;
  }

  async #learn(): Promise<void> {
    const found = await query(this.#db,
      'SELECT table_name AS t, column_name AS c, data_type AS d FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position', [this.#schema]);
    const columns = new Map<string, ColumnType[]>();
    for (const { t, c, d } of found) {
      const list = columns.get(String(t)) ?? [];
      columns.set(String(t), list);
      list.push({ name: String(c), dataType: String(d).toLowerCase() });
    }
    for (const [table, list] of columns) {
      const bytes = list.map((column) => `IFNULL(${exactText(column, this.#flavour)}, 'NULL')`);
      this.#queries.set(table, `SELECT CONCAT_WS('|', ${bytes.join(', ')}) AS r FROM ${quoteName(this.#schema)}.${quoteName(table)}`);
    }
  }
}

/** Which tables differ, with an example of how. */
export function differences(expected: Snapshot, found: Snapshot): Map<string, string> {
  const different = new Map<string, string>();
  for (const [table, rows] of expected) {
    const now = found.get(table) ?? [];
    if (rows.length === now.length && rows.every((row, index) => row === now[index])) continue;
    const missing = rows.filter((row) => !now.includes(row)).slice(0, 2);
    const extra = now.filter((row) => !rows.includes(row)).slice(0, 2);
    different.set(table, `expected ${rows.length} rows, found ${now.length}\n  missing ${missing.join('\n          ')}\n  extra   ${extra.join('\n          ')}`);
  }
  return different;
}
