import type { Connection } from 'mysql2/promise';
import type { Value } from '../core/sql-literal.ts';
import { Lane } from './lane.ts';
import type { BuiltRows } from './row-builder.ts';
import type { RowFormat } from './row-format.ts';
import type { SpareBuffers } from './spare-buffers.ts';

/**
 * The two connections that groups of transactions are written on in turn: while the backup server commits one group it takes the rows of the next.
 *
 * One cursor tells how far they are, since commits keep the order of the groups: a group moves it only after the COMMIT of the one before was
 * answered. If that fails, this group is never committed, and ends with its connection. And its rows go out only when all rows of the one before
 * are answered. So ids ascend from group to group, also where one operation has rows in both. And a lane with a successor has nothing left but the
 * cursor and the COMMIT, which need no lock of the backup tables: no server can see that one lane waits here for the other, and a lock that the first
 * one still needed of the second would be a deadlock that nobody ends.
 */
export class Lanes {
  readonly #lanes: readonly [Lane, Lane];
  #turn: 0 | 1 = 0;
  /** Of the group before: its rows are answered; it is committed. */
  #written: Promise<void> = Promise.resolve();
  #committed: Promise<void> = Promise.resolve();

  constructor([first, second]: readonly [Connection, Connection], spares: SpareBuffers) {
    this.#lanes = [new Lane(first, spares), new Lane(second, spares)];
  }

  /** Something was written since the last group ended. */
  get open(): boolean {
    return this.#current.open;
  }

  /** How the rows of the group at hand are to be built. */
  format(): Promise<RowFormat> {
    return this.#current.format();
  }

  /** Queues a statement whose answer nobody needs. @param parameters null: it is not searched for placeholders. @param bytes about how large it is. */
  async write(sql: string, parameters: readonly Value[] | null, bytes = Buffer.byteLength(sql)): Promise<void> {
    await this.#current.begin(this.#written);
    await this.#current.write(sql, parameters, bytes);
  }

  /** Queues rows of a backup table. @param table quoted, with its database. */
  async send(table: string, built: BuiltRows): Promise<void> {
    await this.#current.begin(this.#written);
    await this.#current.send(table, built);
  }

  /**
   * Ends the group, all of which is queued: its COMMIT is on its way, and what is written from now on is the next one.
   * @param move moves the cursor. @throws what the group before has failed with.
   */
  async handOver(move: (connection: Connection) => Promise<void>): Promise<void> {
    const lane = this.#current;
    await lane.begin(this.#written);
    await this.#committed;
    this.#written = lane.written();
    this.#committed = lane.commit(move);
    // Told by `settled`, and at the next group's end.
    this.#committed.catch(() => undefined);
    this.#turn = this.#turn === 0 ? 1 : 0;
  }

  /** Until nothing that was handed over is uncommitted. @throws what it has failed with. */
  settled(): Promise<void> {
    return this.#committed;
  }

  get #current(): Lane {
    return this.#lanes[this.#turn];
  }
}
