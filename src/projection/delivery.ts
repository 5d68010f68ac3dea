import type { Connection } from 'mysql2/promise';
import { parseRowsEvent } from '../binlog/rows-event.ts';
import { UndoError } from '../core/errors.ts';
import { quoteTable } from '../core/identifiers.ts';
import { scalar } from '../core/mysql.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import type { UndoWriter } from '../rollback/index.ts';
import type { RowsRecord } from '../store/block-format.ts';
import type { StoredOperation } from '../store/log-reader.ts';
import { InsertBuilder } from './insert-builder.ts';

/** Command byte, query attributes. */
const PACKET_OVERHEAD = 16;
const MOST_PACKET = 2 ** 30;

/** Rollback statements on their way into the backup tables, inside one backup transaction of the projection. */
export class Delivery {
  readonly #connection: Connection;
  readonly #pack: number;
  readonly #builders = new Map<string, InsertBuilder>();
  readonly #sql = new SqlBuffer();
  #most: number | null = null;
  /** The INSERT on its way: what follows is rendered meanwhile. */
  #sending: Promise<unknown> = Promise.resolve();

  /** @param pack most statements of one backup row. */
  constructor(connection: Connection, pack: number) {
    this.#connection = connection;
    this.#pack = pack;
  }

  /**
   * Renders one rows event of `bytes`, last row first, so that ascending ids are executable order.
   * @throws UndoError NOT_UNDOABLE when no statement restores one of the rows; those before it are on their way then.
   */
  async add(database: string, operation: StoredOperation, writer: UndoWriter, bytes: Buffer, record: RowsRecord): Promise<void> {
    const key = `${database}\0${operation.table}`;
    let builder = this.#builders.get(key);
    if (!builder) this.#builders.set(key, (builder = new InsertBuilder(database, operation.table, this.#pack)));
    const into = builder;
    const opid = Buffer.from(operation.opid);
    const sql = this.#sql;
    const full: string[] = [];
    try {
      writer.undo(parseRowsEvent(record.type, bytes, record.start, record.end), sql, (start, end) => {
        into.add(sql.bytes, start, end, opid);
        sql.clear();
        if (into.full) full.push(into.take()!);
      });
    } finally {
      // They hold rows of other operations too.
      for (const statement of full) await this.#send(statement);
    }
  }

  /** Removes what stands there of an operation: one of its rows turned out to have no statement that restores it. */
  async takeBack(database: string, { table, opid }: StoredOperation): Promise<void> {
    this.#sql.clear();
    await this.flush();
    await this.#connection.query(`DELETE FROM ${quoteTable(database, table)} WHERE opid_time = ?`, [opid]);
  }

  /** One statement that is no row's: it may hold backslashes. */
  async addStatement(database: string, table: string, opid: string, sql: string): Promise<void> {
    await this.#connection.query(`INSERT INTO ${quoteTable(database, table)} (rollback_statement, opid_time) VALUES (?, ?)`, [sql, opid]);
  }

  /** @throws what any INSERT since the last flush has failed with: nothing may be committed before. */
  async flush(): Promise<void> {
    for (const builder of this.#builders.values()) {
      const statement = builder.take();
      if (statement !== null) await this.#send(statement);
    }
    await this.#sending;
    // Tables come and go; those of long ago must not stay in memory.
    if (this.#builders.size > 1000) this.#builders.clear();
  }

  /** A packet that is too large ends the connection, often before the server's reason arrives: so it is not sent. */
  async #send(statement: string): Promise<void> {
    const bytes = Buffer.byteLength(statement) + PACKET_OVERHEAD;
    this.#most ??= Number(await scalar<string>(this.#connection, 'SELECT @@session.max_allowed_packet'));
    if (bytes > this.#most) {
      const enough = 2 ** Math.ceil(Math.log2(bytes));
      throw new UndoError('PACKET_TOO_LARGE', `A rollback statement takes a packet of ${bytes} bytes; the backup server has max_allowed_packet=${this.#most}.`, {
        fix: enough <= MOST_PACKET ? `SET GLOBAL max_allowed_packet=${enough} on the backup server, and in its my.cnf.` : 'No server takes more than 1 GiB: switch the projection off (BINLOG_UNDO_PROJECTION_ENABLED=false); scripts do not need it.',
      });
    }
    await this.#sending;
    this.#sending = this.#connection.query(statement);
    // Whoever awaits it is told; until then it is nobody's unhandled failure.
    this.#sending.catch(() => undefined);
  }
}
