import type { Connection, RowDataPacket } from 'mysql2/promise';
import { SqlBuffer } from '../../../src/core/sql-buffer.ts';
import { buildShape, compileWriter, scriptSessionSettings, type RenderOptions, type UndoWriter } from '../../../src/rollback/index.ts';
import { exactText } from '../../support/exact-text.ts';
import { connect, uniqueSchema, type SharedServer } from '../../support/servers.ts';
import { dumpBinlog } from './binlog-dump.ts';
import { readRows, type LoggedRows } from './binlog-file.ts';
import { readDefinition } from './definition.ts';

/** A schema of its own on one server, where changes are made, rendered from the binlog, and undone. */
export class UndoBench implements AsyncDisposable {
  readonly server: SharedServer;
  readonly schema: string;
  /** Pinned to UTC and to a mode that stores anything: makes the test data. */
  readonly work: Connection;
  readonly #writers = new Map<string, UndoWriter>();

  private constructor(server: SharedServer, schema: string, work: Connection) {
    this.server = server;
    this.schema = schema;
    this.work = work;
  }

  static async open(server: SharedServer, prefix: string): Promise<UndoBench> {
    const work = await connect(server, { charset: 'utf8mb4' });
    const schema = uniqueSchema(prefix);
    await work.query(`CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
    await work.query(`USE ${schema}`);
    for (const statement of scriptSessionSettings(server.flavour)) await work.query(statement);
    return new UndoBench(server, schema, work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.work.query(`DROP DATABASE ${this.schema}`);
    await this.work.end();
  }

  /** The rows events that `change` leaves in the binlog for this schema. */
  async logged(change: () => Promise<void>): Promise<LoggedRows[]> {
    await this.work.query('FLUSH BINARY LOGS');
    const first = (await this.#files()).at(-1)!;
    await change();
    // Goes on through the files that others flushed meanwhile.
    return readRows(await dumpBinlog(this.server, first), (map) => map.schema === this.schema);
  }

  async #files(): Promise<string[]> {
    const [files] = await this.work.query<RowDataPacket[]>('SHOW BINARY LOGS');
    return files.map((file) => String(file['Log_name']));
  }

  async writer(logged: LoggedRows, options: RenderOptions): Promise<UndoWriter> {
    const key = JSON.stringify([logged.map.tableId, options]);
    let writer = this.#writers.get(key);
    if (!writer) {
      writer = compileWriter(buildShape(logged.map, await readDefinition(this.work, this.schema, logged.map.table)), options);
      this.#writers.set(key, writer);
    }
    return writer;
  }

  /** The statements that undo the events, in the order in which they must run. */
  async render(events: readonly LoggedRows[], options: RenderOptions): Promise<string[]> {
    const statements: string[] = [];
    const out = new SqlBuffer(16);
    for (const logged of [...events].reverse()) {
      const writer = await this.writer(logged, options);
      writer.undo(logged.rows, out, (start, end) => {
        statements.push(out.toString().slice(start, end));
        out.clear();
      });
    }
    return statements;
  }

  /** Every byte of every column that is not generated, one line a row, sorted. */
  async bytes(table: string): Promise<string[]> {
    const definition = await readDefinition(this.work, this.schema, table);
    const columns = definition.columns.map((column) => exactText(column, this.server.flavour));
    const [rows] = await this.work.query<RowDataPacket[]>({ sql: `SELECT CONCAT_WS('|', ${columns.map((column) => `IFNULL(IF(LENGTH(${column}) > 200, SHA2(${column}, 256), ${column}), 'NULL')`).join(', ')}) r FROM \`${table}\`` });
    return rows.map((row) => String(row['r'])).sort();
  }

  async checksum(table: string): Promise<unknown> {
    const [[row]] = await this.work.query<RowDataPacket[]>(`CHECKSUM TABLE \`${table}\` EXTENDED`);
    return row?.['Checksum'];
  }
}

