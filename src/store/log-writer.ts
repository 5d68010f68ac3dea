import type { Connection } from 'mysql2/promise';
import type { Position } from '../core/position.ts';
import type { Anchor } from '../binlog/anchor.ts';
import type { RowsBinlogEvent } from '../binlog/events.ts';
import type { CaptureSink, CapturedGap, CapturedOperation, CapturedTransaction, PreparedCommit, StreamPoint } from '../capture/types.ts';
import type { Copies } from '../capture/copies.ts';
import type { ObjectTracker } from '../schema/objects/object-tracker.ts';
import type { DefinitionTracker } from '../schema/tracker.ts';
import type { Batch, CheckpointState, DiscardedOperations, LoggedGap, LoggedOperations, LoggedTransaction, PreparedTransaction, SealedBlock, SettledTransaction } from './batch.ts';
import { packBlock } from './block-codec.ts';
import { BlockBuilder } from './block-format.ts';
import { KeyCollector, type KeysOf } from './key-collector.ts';
import { LogPump } from './log-pump.ts';
import type { LogScope } from './log-sql.ts';
import { PARKING } from './prepared-sql.ts';

/** Executed GTIDs in whichever notation the source's flavour has. */
export interface ExecutedGtids {
  add(gtid: string): void;
  toString(): string;
}

export interface LogWriterOptions {
  /** Owned by the writer: READ COMMITTED, nothing else runs on them. */
  readonly connections: readonly Connection[];
  readonly scope: LogScope;
  readonly start: CheckpointState;
  /** XA transactions that were prepared and not ended before. */
  readonly prepared: readonly PreparedTransaction[];
  /** Null: the set at the start is not known, so none is kept. */
  readonly gtids: ExecutedGtids | null;
  readonly definitions: DefinitionTracker;
  readonly objects: ObjectTracker;
  readonly copies: Copies;
  /** How the keys of a table's rows are hashed. */
  readonly keysOf: KeysOf;
  /** What ties the position just reached to this life of the binlog. */
  readonly anchor: () => Anchor | null;
  readonly textLimit: number;
  /** Write a checkpoint for passed positions without changes at most so often; null: never (backup on the source itself). */
  readonly idleCheckpointMs: number | null;
  /** A transaction was given its ordinal; it is not durable yet. */
  readonly onCommit: (transaction: CapturedTransaction, ordinal: number) => void;
  /** A batch was written, in so many seconds. */
  readonly onWritten: (seconds: number) => void;
  /** The log is durable up to here. */
  readonly onDurable: (checkpoint: CheckpointState) => void;
  /** More bytes are waiting than may be (true), or few enough again (false). */
  readonly onPressure: (high: boolean) => void;
  readonly onFailed: (error: unknown) => void;
}

const BLOCK_BYTES = 1024 * 1024;
const BATCH_TRANSACTIONS = 2000;
const BATCH_BYTES = 2 * BLOCK_BYTES;
/** A lone commit waits this long for company. */
const LINGER_MS = 10;
/** Rough heap cost of what is kept for one transaction and one operation until they are durable. */
const TRANSACTION_BYTES = 700;
const OPERATION_BYTES = 500;

/**
 * Where exactly-once is decided. Blocks, ledger rows and the checkpoint of a batch of source transactions commit in one
 * backup transaction; blocks of a transaction still open go in ahead, and exist only through the ledger row that follows
 * with the checkpoint. After any failure nothing here is retried: the session ends, and the next one starts from the
 * checkpoint that is durable, so that a COMMIT whose answer was lost is decided by reading it.
 */
export class LogWriter implements CaptureSink {
  readonly #options: LogWriterOptions;
  readonly #builder = new BlockBuilder();
  readonly #keys: KeyCollector;
  readonly #pump: LogPump;
  /** Operations whose long statement already stands in the blocks. */
  readonly #withText = new WeakSet<CapturedOperation>();
  #sealed: SealedBlock[] = [];
  #committed: LoggedTransaction[] = [];
  #operations: LoggedOperations[] = [];
  #discarded: DiscardedOperations[] = [];
  #prepared: PreparedTransaction[] = [];
  #settled: SettledTransaction[] = [];
  #gaps: LoggedGap[] = [];
  /** Prepared XA transactions by XID, durable or on their way. */
  readonly #waiting: Map<string, PreparedTransaction>;
  #nextParking: number;
  /** Tables of operations that were handed on ahead of the open transaction's commit. */
  readonly #spilled = new Map<string, Pick<CapturedOperation, 'schema' | 'table' | 'copy'>>();
  #spilledCount = 0;
  #cost = 0;
  #nextBlock: number;
  #nextOrdinal: number;
  /** That of the first transaction of the block being built. */
  #blockOrdinal: number | null = null;
  #commitMicros: number;
  #point: Position;
  #anchor: Anchor | null;
  #checkpointed: Position;
  #durable: Position;
  #tag = 0;
  #firstBlock: number | null = null;
  #lastBlock: number | null = null;
  #linger: NodeJS.Timeout | null = null;
  /** The linger time ended while no batch could be written. */
  #overdue = false;
  readonly #idle: NodeJS.Timeout | null;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#keys = new KeyCollector(options.keysOf);
    const { start, connections, scope, textLimit, onWritten, onPressure, onFailed } = options;
    this.#pump = new LogPump({
      connections, scope, textLimit, onWritten, onPressure, onFailed,
      onDurable: (checkpoint) => {
        this.#durable = checkpoint.position;
        options.onDurable(checkpoint);
      },
      onRoom: () => {
        if (this.#overdue) this.#cut();
      },
    });
    this.#nextBlock = start.nextBlock;
    this.#nextOrdinal = start.nextOrdinal;
    this.#commitMicros = start.commitMicros;
    this.#waiting = new Map(options.prepared.map((prepared) => [prepared.xid, prepared]));
    this.#nextParking = Math.max(PARKING, ...options.prepared.map((prepared) => prepared.parking + 1));
    this.#point = this.#checkpointed = this.#durable = start.position;
    this.#anchor = start.anchor;
    this.#idle = options.idleCheckpointMs === null ? null : setInterval(() => this.#idleCheckpoint(), options.idleCheckpointMs);
  }

  /** The log is complete up to here: the durable position, or further when nothing to keep has come since. */
  get reach(): Position {
    return !this.#pump.busy && this.#committed.length + this.#gaps.length === 0 ? this.#point : this.#durable;
  }

  /** Memory held by what is not durable yet, about. */
  get queueBytes(): number {
    return this.#pump.pendingBytes + this.#cost + this.#builder.bytes;
  }

  rows(operation: CapturedOperation, tableMap: Buffer, event: RowsBinlogEvent): void {
    const { statement } = operation;
    if (statement !== null && statement.length > this.#options.textLimit && !this.#withText.has(operation)) {
      this.#withText.add(operation);
      this.#builder.statement(this.#tag, operation.seq, statement);
    }
    this.#keys.add(operation.schema, operation.table, tableMap, event.rows);
    this.#blockOrdinal ??= this.#nextOrdinal;
    this.#builder.rows(this.#tag, operation.seq, tableMap, event.type, event.header.start, event.rows.buffer, event.bodyStart, event.bodyEnd);
    this.#firstBlock ??= this.#nextBlock;
    this.#lastBlock = this.#nextBlock;
    if (this.#builder.bytes >= BLOCK_BYTES) this.#cut();
  }

  spill(operations: readonly CapturedOperation[], xa: boolean): void {
    for (const { schema, table, copy } of operations) this.#spilled.set(`${schema}\0${table}`, { schema, table, copy });
    this.#logOperations(xa ? this.#nextParking : this.#nextOrdinal, operations);
    this.#spilledCount += operations.length;
    if (this.#cost >= BATCH_BYTES) this.#cut();
  }

  commit(captured: CapturedTransaction): void {
    const transaction = this.#settleRollbacks(captured);
    const { operations, gaps } = transaction;
    const ordinal = this.#nextOrdinal;
    this.#commitMicros = transaction.commitMicros;
    for (const gap of gaps) this.#gaps.push({ ...gap, ordinal, fromMicros: transaction.commitMicros, toMicros: transaction.commitMicros });
    if (operations.length > 0 || captured.spilled) {
      this.#nextOrdinal++;
      this.#committed.push({
        ordinal, tag: this.#tag, operationCount: this.#spilledCount + operations.length, firstBlock: this.#firstBlock, lastBlock: this.#lastBlock,
        rowsFile: null, transaction,
      });
      this.#options.onCommit(transaction, ordinal);
      this.#cost += TRANSACTION_BYTES;
      this.#logOperations(ordinal, operations);
    }
    this.#closeTransaction();
    this.#moveTo({ position: transaction.end, gtid: transaction.gtid });
    if (this.#committed.length >= BATCH_TRANSACTIONS || this.#cost >= BATCH_BYTES) this.#cut();
    else this.#schedule();
  }

  prepare(xid: string, captured: CapturedTransaction): void {
    // Its end lies in a stretch that was lost or passed over: else the server would not give out the name again.
    const stale = this.#waiting.get(xid);
    if (stale) {
      this.#settled.push({ xid, parking: stale.parking, ordinal: null });
      this.#cut();
    }
    const { operations, gaps } = this.#settleRollbacks(captured);
    const prepared = {
      xid, parking: this.#nextParking++, tag: this.#tag, operationCount: this.#spilledCount + operations.length,
      firstBlock: this.#firstBlock, lastBlock: this.#lastBlock, threadId: captured.threadId, rowsFile: captured.start.file, gaps,
    };
    this.#commitMicros = captured.commitMicros;
    this.#logOperations(prepared.parking, operations);
    this.#waiting.set(xid, prepared);
    this.#prepared.push(prepared);
    this.#closeTransaction();
    this.#moveTo({ position: captured.end, gtid: captured.gtid });
    this.#cut();
  }

  commitPrepared(xid: string, commit: PreparedCommit): boolean {
    const prepared = this.#waiting.get(xid);
    if (!prepared) return false;
    if (prepared.operationCount === 0 && prepared.gaps.length === 0) {
      this.rollbackPrepared(xid, { position: commit.end, gtid: commit.gtid });
      return true;
    }
    this.#waiting.delete(xid);
    const { parking, tag, operationCount, firstBlock, lastBlock, threadId, rowsFile, gaps } = prepared;
    const ordinal = this.#nextOrdinal++;
    const transaction = { ...commit, threadId, operations: [], gaps, spilled: true, rolledBack: false, script: null };
    this.#commitMicros = commit.commitMicros;
    for (const gap of gaps) this.#gaps.push({ ...gap, ordinal, fromMicros: commit.commitMicros, toMicros: commit.commitMicros });
    this.#settled.push({ xid, parking, ordinal });
    this.#committed.push({ ordinal, tag, operationCount, firstBlock, lastBlock, rowsFile, transaction });
    this.#options.onCommit(transaction, ordinal);
    this.#closeTransaction();
    this.#moveTo({ position: commit.end, gtid: commit.gtid });
    // The XID may be used again at once: a batch must not hold two transactions of one name.
    this.#cut();
    return true;
  }

  rollbackPrepared(xid: string, point: StreamPoint): void {
    const prepared = this.#waiting.get(xid);
    if (prepared) {
      this.#waiting.delete(xid);
      this.#settled.push({ xid, parking: prepared.parking, ordinal: null });
    }
    this.#closeTransaction();
    this.#moveTo(point);
    if (prepared) this.#cut();
  }

  /** Prepared transactions that nothing will end any more: what stands of them goes. @returns those that were still waiting. */
  giveUp(lost: readonly PreparedTransaction[]): readonly PreparedTransaction[] {
    // One of the same name that was prepared since has another place.
    const gone = lost.filter(({ xid, parking }) => this.#waiting.get(xid)?.parking === parking);
    for (const { xid, parking } of gone) {
      this.#waiting.delete(xid);
      this.#settled.push({ xid, parking, ordinal: null });
    }
    if (gone.length > 0) this.#cut();
    return gone;
  }

  abandon(): void {
    if (this.#spilled.size > 0) this.#discard(null);
    // Records already written carry a tag that no transaction will name.
    this.#closeTransaction();
  }

  passed(point: StreamPoint, commitMicros: number | null): void {
    // Times that were given count for those that follow, also after a restart, and also where nothing was kept.
    if (commitMicros !== null) this.#commitMicros = commitMicros;
    this.#moveTo(point);
  }

  rotated(point: StreamPoint): void {
    this.#moveTo(point);
    this.#cut(true);
  }

  /** Something besides rows is to be written soon: definitions. */
  flushSoon(): void {
    this.#schedule();
  }

  /** Writes what has committed on the source, drops what has not, and ends. */
  async close(): Promise<void> {
    if (this.#idle) clearInterval(this.#idle);
    this.#cut();
    await this.#pump.close();
    if (this.#linger) clearTimeout(this.#linger);
  }

  #closeTransaction(): void {
    this.#tag = (this.#tag + 1) >>> 0;
    this.#firstBlock = this.#lastBlock = null;
    this.#spilled.clear();
    this.#spilledCount = 0;
  }

  #logOperations(ordinal: number, operations: readonly CapturedOperation[]): void {
    if (operations.length === 0) return;
    this.#operations.push({ ordinal, operations });
    for (const { statement } of operations) this.#cost += OPERATION_BYTES + Math.min(statement?.length ?? 0, this.#options.textLimit) * 2;
  }

  /** Takes back operations written ahead; a batch of its own, so that what follows under the same ordinal stays. */
  #discard(table: DiscardedOperations['table']): void {
    this.#discarded.push({ ordinal: this.#nextOrdinal, table });
    this.#cut();
  }

  #moveTo(point: StreamPoint): void {
    this.#point = point.position;
    this.#anchor = this.#options.anchor();
    if (point.gtid !== null) this.#options.gtids?.add(point.gtid);
  }

  /** Rolled-back rows of transactional tables never happened; of others they stay; of unknown ones nobody can tell. */
  #settleRollbacks(captured: CapturedTransaction): CapturedTransaction {
    if (!captured.rolledBack && !captured.operations.some((operation) => operation.rolledBack)) return captured;
    const gaps: CapturedGap[] = [...captured.gaps];
    const stays = ({ schema, table, copy }: Pick<CapturedOperation, 'schema' | 'table' | 'copy'>): boolean => {
      // Whichever way, no rows of it are kept.
      if (copy) return false;
      const transactional = this.#options.definitions.isTransactional(schema, table);
      if (transactional === null) {
        gaps.push({
          reason: 'rollback-to', schema, table, from: captured.start, to: captured.end,
          detail: 'rolled back, but whether the table is transactional is not known',
        });
      }
      return transactional === false;
    };
    const operations = captured.operations.filter((operation) => !operation.rolledBack || stays(operation));
    if (captured.rolledBack) {
      for (const table of this.#spilled.values()) if (!stays(table)) this.#discard(table);
    }
    return { ...captured, operations, gaps };
  }

  #schedule(): void {
    this.#linger ??= setTimeout(() => {
      this.#linger = null;
      // While batches are being written the next one grows: larger batches under load, without a setting.
      if (this.#pump.full) this.#overdue = true;
      else this.#cut();
    }, LINGER_MS);
  }

  #idleCheckpoint(): void {
    const moved = this.#point.file !== this.#checkpointed.file || this.#point.offset !== this.#checkpointed.offset;
    if (moved && !this.#pump.busy && this.#committed.length === 0) this.#cut(true);
  }

  /** Closes the current batch and hands it to the pump. */
  #cut(force = false): void {
    if (this.#pump.failed) return;
    this.#overdue = false;
    if (this.#builder.bytes > 0 && (this.#committed.length + this.#prepared.length > 0 || this.#builder.bytes >= BLOCK_BYTES)) this.#seal();
    const definitions = this.#options.definitions.drain();
    const objects = this.#options.objects.drain();
    const copies = this.#options.copies.drain();
    const content = this.#committed.length + this.#prepared.length + this.#settled.length + this.#gaps.length + definitions.length + objects.length + copies.length > 0;
    if (!content && !force && this.#sealed.length + this.#operations.length + this.#discarded.length === 0) return;
    const checkpoint = content || force ? this.#checkpointState() : null;
    const batch: Batch = {
      blocks: this.#sealed, transactions: this.#committed, operations: this.#operations, discarded: this.#discarded,
      prepared: this.#prepared, settled: this.#settled, gaps: this.#gaps, definitions, objects, copies, checkpoint,
    };
    const cost = this.#cost;
    if (checkpoint) this.#checkpointed = checkpoint.position;
    this.#sealed = [];
    this.#committed = [];
    this.#operations = [];
    this.#discarded = [];
    this.#prepared = [];
    this.#settled = [];
    this.#gaps = [];
    this.#cost = 0;
    this.#pump.push(batch, cost);
  }

  #checkpointState(): CheckpointState {
    return {
      position: this.#point, anchor: this.#anchor, gtidSet: this.#options.gtids?.toString() ?? null, nextOrdinal: this.#nextOrdinal,
      nextBlock: this.#nextBlock, commitMicros: this.#commitMicros,
    };
  }

  #seal(): void {
    const raw = this.#builder.take();
    const packed = packBlock(raw).then((block) => {
      if (block.data !== raw) this.#builder.giveBack(raw);
      return block;
    });
    const keys = this.#keys.take();
    const fromOrdinal = this.#blockOrdinal ?? this.#nextOrdinal;
    // The last transaction may be open still: it will have the next ordinal. Retention goes by that.
    const toOrdinal = this.#firstBlock === null ? Math.max(fromOrdinal, this.#nextOrdinal - 1) : this.#nextOrdinal;
    this.#sealed.push({ block: this.#nextBlock++, rawBytes: raw.length, packed, keys, fromOrdinal, toOrdinal });
    this.#blockOrdinal = null;
    this.#cost += keys.reduce((sum, { data }) => sum + data.length, raw.length);
  }
}
