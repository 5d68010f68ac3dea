import { parseRowsEvent } from '../binlog/rows-event.ts';
import { quoteTable } from '../core/identifiers.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import type { UndoWriter } from '../rollback/index.ts';
import type { RowsRecord } from '../store/block-format.ts';
import type { StoredOperation } from '../store/log-reader.ts';
import type { Lanes } from './lanes.ts';
import { RowBuilder, type BuiltRows } from './row-builder.ts';
import type { SpareBuffers } from './spare-buffers.ts';

const MOST_TABLES = 1000;

/** Rollback statements on their way into the backup tables, inside the backup transaction of the lane at hand. */
export class Delivery {
  readonly #lanes: Lanes;
  readonly #spares: SpareBuffers;
  readonly #pack: number;
  readonly #builders = new Map<string, TableRows>();
  readonly #sql = new SqlBuffer();

  /** @param pack most statements of one backup row. */
  constructor(lanes: Lanes, spares: SpareBuffers, pack: number) {
    this.#lanes = lanes;
    this.#spares = spares;
    this.#pack = pack;
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
        if (builder.full) full.push(builder.take(this.#spares.take)!);
      });
    } finally {
      // They hold rows of other operations too.
      for (const built of full) await this.#lanes.send(name, built);
    }
  }

  /** Removes what stands there of an operation: one of its rows turned out to have no statement that restores it. */
  async takeBack(database: string, { table, opid }: StoredOperation): Promise<void> {
    this.#sql.clear();
    await this.flush();
    // Where a table's key is another one the search meets every row: it must not wait for one of the group before.
    await this.#lanes.settled();
    await this.#lanes.write(`DELETE FROM ${quoteTable(database, table)} WHERE opid_time = ?`, [opid]);
  }

  /** One statement that is no row's: it may hold backslashes. */
  addStatement(database: string, table: string, opid: string, sql: string): Promise<void> {
    return this.#lanes.write(`INSERT INTO ${quoteTable(database, table)} (rollback_statement, opid_time) VALUES (?, ?)`, [sql, opid], sql.length);
  }

  /** Queues all of it: before the lane changes. */
  async flush(): Promise<void> {
    for (const { name, builder } of this.#builders.values()) {
      const built = builder.take(this.#spares.take);
      if (built) await this.#lanes.send(name, built);
    }
    // Tables come and go; those of long ago must not stay in memory.
    if (this.#builders.size > MOST_TABLES) this.#builders.clear();
  }

  async #rowsOf(database: string, table: string): Promise<TableRows> {
    const name = quoteTable(database, table);
    const found = this.#builders.get(name);
    const format = await this.#lanes.format();
    if (found?.builder.format === format) return found;
    // Of the format before: it goes first.
    const rest = found?.builder.take(this.#spares.take);
    if (rest) await this.#lanes.send(name, rest);
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
