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
  /** Owned by the pump: READ COMMITTED, nothing else runs on it. */
  readonly connection: Connection;
  readonly scope: LogScope;
  /** Bytes of statement text kept beside an operation. */
  readonly textLimit: number;
  /** A batch was written, in so many seconds. */
  readonly onWritten: (seconds: number) => void;
  readonly onDurable: (checkpoint: CheckpointState) => void;
  /** More bytes are waiting than may be (true), or few enough again (false). */
  readonly onPressure: (high: boolean) => void;
  readonly onFailed: (error: unknown) => void;
  /** The last batch was written: time for the next one, if it waited for that. */
  readonly onIdle: () => void;
}

/**
 * Enough for the pump to go on while the source begins to send again. What came meanwhile would be fresh memory for each block: apart by no
 * more than the buffers that the builder keeps, these two let the same ones do.
 */
const PRESSURE_HIGH = 12 * 1024 * 1024;
const PRESSURE_LOW = 8 * 1024 * 1024;

/**
 * Writes batches one after the other, each in one backup transaction that ends with the checkpoint. After a failure it
 * writes nothing more: whether the last COMMIT counted is read from the checkpoint by the next session.
 */
export class LogPump {
  readonly #options: LogPumpOptions;
  readonly #blocks: BlockWriter;
  readonly #queue: { readonly batch: Batch; readonly cost: number }[] = [];
  #running: Promise<void> | null = null;
  #pendingBytes = 0;
  #high = false;
  #failed = false;

  constructor(options: LogPumpOptions) {
    this.#options = options;
    this.#blocks = new BlockWriter(options.connection, options.scope);
  }

  get busy(): boolean {
    return this.#running !== null;
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
    this.#running ??= this.#run();
  }

  /** Resolves when all that was pushed is durable, or has failed. Takes nothing more. */
  async close(): Promise<void> {
    await this.#running;
    this.#failed = true;
  }

  async #run(): Promise<void> {
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        const begun = performance.now();
        await this.#write(next.batch);
        this.#options.onWritten((performance.now() - begun) / 1000);
        this.#pendingBytes -= next.cost;
        if (next.batch.checkpoint) this.#options.onDurable(next.batch.checkpoint);
        this.#pressure();
        if (this.#queue.length === 0) this.#options.onIdle();
      }
    } catch (error) {
      this.#failed = true;
      this.#options.onFailed(error);
    } finally {
      this.#running = null;
    }
  }

  async #write(batch: Batch): Promise<void> {
    const { connection, scope, textLimit } = this.#options;
    await connection.query('START TRANSACTION');
    await this.#blocks.write(batch.blocks);
    await insertBlockKeys(connection, scope, batch.blocks);
    await insertTransactions(connection, scope, batch.transactions);
    await insertOperations(connection, scope, batch.operations, textLimit);
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
