import type { Connection } from 'mysql2/promise';
import type { Batch, CheckpointState } from './batch.ts';
import { BlockWriter } from './block-sql.ts';
import { applyCopyChanges } from './copy-sql.ts';
import { applyDefinitionChanges } from './definition-sql.ts';
import { applyObjectChanges } from './object-sql.ts';
import {
  deleteOperations, insertBlockKeys, insertGaps, insertOperations, insertTransactions, sealWithCheckpoint, type LogScope,
} from './log-sql.ts';
import { insertPrepared, settlePrepared } from './prepared-sql.ts';

export interface LogPumpOptions {
  /** Owned by the pump: READ COMMITTED, nothing else runs on them. Each takes a batch at a time. */
  readonly connections: readonly Connection[];
  readonly scope: LogScope;
  /** Bytes of statement text kept beside an operation. */
  readonly textLimit: number;
  /** A batch was written, in so many seconds. */
  readonly onWritten: (seconds: number) => void;
  readonly onDurable: (checkpoint: CheckpointState) => void;
  /** More bytes are waiting than may be (true), or few enough again (false). */
  readonly onPressure: (high: boolean) => void;
  readonly onFailed: (error: unknown) => void;
  /** A connection has nothing to write: time for the next batch, if it waited for that. */
  readonly onRoom: () => void;
}

/**
 * Enough for the pump to go on while the source begins to send again. What came meanwhile would be fresh memory for each block: apart by no
 * more than the buffers that the builder keeps, these two let the same ones do.
 */
const PRESSURE_HIGH = 12 * 1024 * 1024;
const PRESSURE_LOW = 8 * 1024 * 1024;

/** A connection with what it remembers. */
interface Lane {
  readonly connection: Connection;
  readonly blocks: BlockWriter;
}

interface Progress {
  /** Its transaction holds the tables that it writes. */
  readonly claimed: Promise<void>;
  readonly written: Promise<void>;
}

/** Written by the part of a batch that runs beside the batch before. */
const CLAIMED = ['blocks', 'block_keys', 'transactions', 'operations'];

/**
 * Writes batches, each in one backup transaction that ends with the checkpoint. Rows of the next ones go in on other connections meanwhile, since
 * what the server does for one connection, it does on one processor, and waits for the disk at each COMMIT; but a batch commits only once the one before has.
 * After a failure nothing behind it commits: whether the last COMMIT counted is read from the checkpoint by the next session.
 */
export class LogPump {
  readonly #options: LogPumpOptions;
  readonly #free: Lane[];
  readonly #queue: { readonly batch: Batch; readonly cost: number }[] = [];
  /** The newest batch under way. */
  #newest: Progress = { claimed: Promise.resolve(), written: Promise.resolve() };
  /** Batches under way; none of these promises fails. */
  readonly #underWay = new Set<Promise<void>>();
  /** A batch under way that takes back what was written before: nothing may be written in its place meanwhile. */
  #takesBack: Batch | null = null;
  #pendingBytes = 0;
  #high = false;
  #failed = false;

  constructor(options: LogPumpOptions) {
    this.#options = options;
    this.#free = options.connections.map((connection) => ({ connection, blocks: new BlockWriter(connection, options.scope) }));
  }

  /** Something is not durable yet. */
  get busy(): boolean {
    return this.#underWay.size > 0;
  }

  /** A batch that is pushed now waits for another one. */
  get full(): boolean {
    return this.#free.length === 0 || this.#takesBack !== null;
  }

  get failed(): boolean {
    return this.#failed;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @param cost bytes that the batch keeps in memory until it is durable. */
  push(batch: Batch, cost: number): void {
    if (this.#failed) return;
    this.#queue.push({ batch, cost });
    this.#pendingBytes += cost;
    this.#pressure();
    this.#dispatch();
  }

  /** Resolves when all that was pushed is durable, or has failed. Takes nothing more. */
  async close(): Promise<void> {
    while (this.busy) await Promise.all(this.#underWay);
    this.#failed = true;
  }

  #dispatch(): void {
    while (!this.full && !this.#failed) {
      const next = this.#queue.shift();
      if (!next) return;
      const { batch, cost } = next;
      const lane = this.#free.pop()!;
      if (batch.discarded.length > 0) this.#takesBack = batch;
      const begun = performance.now();
      const claimed = this.#claim(lane, this.#newest.claimed);
      const written = this.#write(lane, batch, claimed, this.#newest.written);
      this.#newest = { claimed, written };
      const ended = written
        .then(() => this.#written(lane, batch, cost, (performance.now() - begun) / 1000))
        .catch((error: unknown) => this.#fail(error))
        .finally(() => this.#underWay.delete(ended));
      this.#underWay.add(ended);
    }
  }

  #written(lane: Lane, batch: Batch, cost: number, seconds: number): void {
    this.#free.push(lane);
    if (this.#takesBack === batch) this.#takesBack = null;
    this.#options.onWritten(seconds);
    this.#pendingBytes -= cost;
    if (batch.checkpoint) this.#options.onDurable(batch.checkpoint);
    this.#pressure();
    this.#dispatch();
    if (!this.full) this.#options.onRoom();
  }

  /** Of several that fail together the first one says why. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailed(error);
  }

  /**
   * Begins a transaction that holds its tables from the start. Else an OPTIMIZE or LOCK TABLES could wait for the transaction of a batch, the batch before
   * behind that for a table that it has yet to open, and the batch here for the one before: a deadlock that no server sees.
   */
  async #claim({ connection }: Lane, before: Promise<void>): Promise<void> {
    await before;
    await connection.query('START TRANSACTION');
    await connection.query(`SELECT 1 FROM ${CLAIMED.map((name) => this.#options.scope.ledger.table(name)).join(', ')} WHERE FALSE FOR UPDATE`);
  }

  /** @param before the batch before: when it fails, so does this one. */
  async #write({ connection, blocks }: Lane, batch: Batch, claimed: Promise<void>, before: Promise<void>): Promise<void> {
    const { scope, textLimit } = this.#options;
    await claimed;
    // New rows, which nobody else writes.
    await blocks.write(batch.blocks);
    await insertBlockKeys(connection, scope, batch.blocks);
    await insertTransactions(connection, scope, batch.transactions);
    await insertOperations(connection, scope, batch.operations, textLimit);
    await before;
    // What changes rows that are there.
    await deleteOperations(connection, scope, batch.discarded);
    await insertPrepared(connection, scope, batch.prepared);
    await settlePrepared(connection, scope, batch.settled);
    await insertGaps(connection, scope, batch.gaps);
    await applyDefinitionChanges(connection, scope, batch.definitions);
    await applyObjectChanges(connection, scope, batch.objects);
    await applyCopyChanges(connection, scope, batch.copies);
    await sealWithCheckpoint(connection, scope, batch.checkpoint);
    await connection.query('COMMIT');
  }

  #pressure(): void {
    if (!this.#high && this.#pendingBytes > PRESSURE_HIGH) this.#options.onPressure((this.#high = true));
    else if (this.#high && this.#pendingBytes < PRESSURE_LOW) this.#options.onPressure((this.#high = false));
  }
}
