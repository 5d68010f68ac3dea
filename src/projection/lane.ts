import type { Connection } from 'mysql2/promise';
import { run } from '../core/mysql.ts';
import type { Value } from '../core/sql-literal.ts';
import type { BuiltRows } from './row-builder.ts';
import type { RowFormat } from './row-format.ts';
import { RowSender } from './row-sender.ts';
import type { SpareBuffers } from './spare-buffers.ts';
import { StatementQueue } from './statement-queue.ts';

/** One of the projection's connections with its backup transaction: all that is written there goes through a queue. */
export class Lane {
  readonly #connection: Connection;
  readonly #statements = new StatementQueue();
  readonly #rows: RowSender;
  #open = false;

  constructor(connection: Connection, spares: SpareBuffers) {
    this.#connection = connection;
    this.#rows = new RowSender(connection, this.#statements, spares);
  }

  /** A transaction is open, or will be when its turn comes. */
  get open(): boolean {
    return this.#open;
  }

  /** How rows are to be built. */
  format(): Promise<RowFormat> {
    return this.#rows.format();
  }

  /** @param after what has to be done before anything is written; the caller does not wait for it. */
  async begin(after: Promise<void>): Promise<void> {
    if (this.#open) return;
    this.#open = true;
    await this.#statements.add(0, async () => {
      await after;
      await this.#connection.query('START TRANSACTION');
    });
  }

  write(sql: string, parameters: readonly Value[] | null, bytes: number): Promise<void> {
    return this.#statements.add(bytes, () => run(this.#connection, sql, parameters));
  }

  send(table: string, built: BuiltRows): Promise<void> {
    return this.#rows.send(table, built);
  }

  /** @returns when all that was queued so far is answered. */
  written(): Promise<void> {
    return this.#statements.settled();
  }

  /** @param move moves the cursor. @returns when the COMMIT is answered. */
  commit(move: (connection: Connection) => Promise<void>): Promise<void> {
    this.#open = false;
    return this.#statements.run(async () => {
      await move(this.#connection);
      await this.#connection.query('COMMIT');
    });
  }
}
