import { Readable } from 'node:stream';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { isConnectionLost, rows, run, scalar, serverErrorNumber } from '../core/mysql.ts';
import { loadedRows } from './loaded-rows.ts';
import { RowBuilder, type BuiltRows } from './row-builder.ts';
import { INSERT_ROWS, LOAD_ROWS, type RowFormat } from './row-format.ts';
import type { SpareBuffers } from './spare-buffers.ts';
import type { StatementQueue } from './statement-queue.ts';

/** Command byte, query attributes. */
const PACKET_OVERHEAD = 16;
const MOST_PACKET = 2 ** 30;
/** Of a file for LOAD DATA, in one packet. */
const CHUNK_BYTES = 256 * 1024;
const SAVEPOINT = 'binlog_undo_rows';

/**
 * Sends built rows inside the transaction that its connection has open; more can be built meanwhile. With LOAD DATA LOCAL where the server takes it,
 * which costs both sides less, else with INSERT.
 */
export class RowSender {
  readonly #connection: Connection;
  #loads: boolean | null = null;
  #mostPacket: number | null = null;
  readonly #statements: StatementQueue;
  readonly #spares: SpareBuffers;

  /** @param connection opened with `localFiles`, or all rows go by INSERT. @param statements all that goes out on it. */
  constructor(connection: Connection, statements: StatementQueue, spares: SpareBuffers) {
    this.#connection = connection;
    this.#statements = statements;
    this.#spares = spares;
  }

  /** How rows are to be built. */
  async format(): Promise<RowFormat> {
    this.#loads ??= await this.#takesFiles();
    return this.#loads ? LOAD_ROWS : INSERT_ROWS;
  }

  /** Queues them. @throws what a statement before has failed with. */
  send(table: string, built: BuiltRows): Promise<void> {
    // One piece: a statement of others behind the savepoint would be taken back with the rows.
    return this.#statements.add(built.bytes.length, async () => {
      await this.#write(table, built);
      this.#spares.keep(built.bytes);
    });
  }

  /** Galera may cut a file into transactions of its own (`wsrep_load_data_splitting`): then rows could stand there without the cursor. */
  async #takesFiles(): Promise<boolean> {
    const found = await rows<{ Variable_name: string; Value: string }>(this.#connection,
      "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('local_infile', 'wsrep_on', 'wsrep_load_data_splitting')");
    const on = new Set(found.filter(({ Value }) => Value === 'ON').map(({ Variable_name }) => Variable_name));
    return on.has('local_infile') && !(on.has('wsrep_on') && on.has('wsrep_load_data_splitting'));
  }

  async #write(table: string, built: BuiltRows): Promise<void> {
    if (built.format === INSERT_ROWS) await this.#insert(built);
    else if (this.#loads !== true || !await this.#load(table, built)) await this.#insertLoaded(table, built);
  }

  /**
   * LOAD DATA LOCAL takes what it can and makes warnings of the rest: then nothing of it may stay.
   * @returns false when nothing was written; the rows to come go by INSERT.
   */
  async #load(table: string, { bytes, rows: count }: BuiltRows): Promise<boolean> {
    await this.#connection.query(`SAVEPOINT ${SAVEPOINT}`);
    try {
      const [result] = await this.#connection.query<ResultSetHeader>({
        sql: `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (rollback_statement, opid_time)`,
        infileStreamFactory: () => Readable.from(chunks(bytes)),
      });
      if (result.affectedRows === count && result.warningStatus === 0) return true;
    } catch (error) {
      // LOCAL files may have been switched off, or something on the way does not know them.
      if (serverErrorNumber(error) === null || isConnectionLost(error)) throw error;
    }
    this.#loads = false;
    await this.#connection.query(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`);
    return false;
  }

  /** The rows of a file by INSERT, which says what is wrong with them. */
  async #insertLoaded(table: string, { bytes }: BuiltRows): Promise<void> {
    const builder = new RowBuilder(INSERT_ROWS, 1, table);
    for (const { text, opid } of loadedRows(bytes)) {
      builder.add(text, 0, text.length, opid);
      if (builder.full) await this.#insert(builder.take()!);
    }
    const last = builder.take();
    if (last) await this.#insert(last);
  }

  /** A packet that is too large ends the connection, often before the server's reason arrives: so it is not sent. */
  async #insert({ bytes }: BuiltRows): Promise<void> {
    const packet = bytes.length + PACKET_OVERHEAD;
    this.#mostPacket ??= Number(await scalar<string>(this.#connection, 'SELECT @@session.max_allowed_packet'));
    if (packet > this.#mostPacket) {
      const enough = 2 ** Math.ceil(Math.log2(packet));
      throw new UndoError('PACKET_TOO_LARGE', `A rollback statement takes a packet of ${packet} bytes; the backup server has max_allowed_packet=${this.#mostPacket}.`, {
        fix: enough <= MOST_PACKET ? `SET GLOBAL max_allowed_packet=${enough} on the backup server, and in its my.cnf.` : 'No server takes more than 1 GiB: switch the projection off (BINLOG_UNDO_PROJECTION_ENABLED=false); scripts do not need it.',
      });
    }
    await run(this.#connection, bytes.toString('utf8'), null);
  }
}

function* chunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}
