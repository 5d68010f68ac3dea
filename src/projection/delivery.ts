import type { Connection } from 'mysql2/promise';
import { parseRowsEvent } from '../binlog/rows-event.ts';
import { quoteTable } from '../core/identifiers.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import type { UndoWriter } from '../rollback/index.ts';
import type { RowsRecord } from '../store/block-format.ts';
import type { StoredOperation } from '../store/log-reader.ts';
import { RowBuilder, type BuiltRows } from './row-builder.ts';
import { RowSender } from './row-sender.ts';

const MOST_TABLES = 1000;

/** Rollback statements on their way into the backup tables, inside one backup transaction of the projection. */
export class Delivery {
  readonly #connection: Connection;
  readonly #pack: number;
  readonly #builders = new Map<string, TableRows>();
  readonly #sender: RowSender;
  readonly #sql = new SqlBuffer();
  readonly #spare = (): Buffer | undefined => this.#sender.spare();

  /** @param pack most statements of one backup row. */
  constructor(connection: Connection, pack: number) {
    this.#connection = connection;
    this.#pack = pack;
    this.#sender = new RowSender(connection);
  }

  /**
   * Renders one rows event of `bytes`, last row first, so that ascending ids are executable order.
   * @throws UndoError NOT_UNDOABLE when no statement restores one of the rows; those before it are on their way then.
   */
  async add(database: string, operation: StoredOperation, writer: UndoWriter, bytes: Buffer, record: RowsRecord): Promise<void> {
    const { name, builder } = await this.#rowsOf(database, operation.table);
    const opid = Buffer.from(operation.opid);
    const sql = this.#sql;
    const full: BuiltRows[] = [];
    try {
      writer.undo(parseRowsEvent(record.type, bytes, record.start, record.end), sql, (start, end) => {
        builder.add(sql, start, end, opid);
        sql.clear();
        if (builder.full) full.push(builder.take(this.#spare)!);
      });
    } finally {
      // They hold rows of other operations too.
      for (const built of full) await this.#sender.send(name, built);
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

  /** @throws what any statement since the last flush has failed with: nothing may be committed before. */
  async flush(): Promise<void> {
    for (const { name, builder } of this.#builders.values()) {
      const built = builder.take(this.#spare);
      if (built) await this.#sender.send(name, built);
    }
    await this.#sender.settled();
    // Tables come and go; those of long ago must not stay in memory.
    if (this.#builders.size > MOST_TABLES) this.#builders.clear();
  }

  async #rowsOf(database: string, table: string): Promise<TableRows> {
    const name = quoteTable(database, table);
    const found = this.#builders.get(name);
    const format = await this.#sender.format();
    if (found?.builder.format === format) return found;
    // Of the format before: it goes first.
    const rest = found?.builder.take(this.#spare);
    if (rest) await this.#sender.send(name, rest);
    const made = { name, builder: new RowBuilder(format, this.#pack, name) };
    this.#builders.set(name, made);
    return made;
  }
}

interface TableRows {
  /** Quoted, with its database. */
  readonly name: string;
  readonly builder: RowBuilder;
}
