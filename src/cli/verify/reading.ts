import { createHash, type Hash } from 'node:crypto';
import type { RowsBinlogEvent } from '../../binlog/events.ts';
import type { CaptureSink, CapturedOperation, CapturedTransaction, PreparedCommit, StreamPoint } from '../../capture/types.ts';
import { comparePositions, type Position } from '../../core/position.ts';

/** A running digest of one operation's rows events: type, TABLE_MAP and body, as received. */
export class RowsDigest {
  readonly #hash: Hash = createHash('sha1');

  add(type: number, tableMap: Buffer, bytes: Buffer, start: number, end: number): void {
    this.#hash.update(Buffer.of(type)).update(tableMap).update(bytes.subarray(start, end));
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

export interface ReadOperation {
  readonly operation: CapturedOperation;
  /** Empty: no rows. */
  readonly digest: string;
}

/** A transaction as the binlog has it now. */
export interface ReadTransaction {
  readonly start: Position;
  readonly end: Position;
  readonly gtid: string | null;
  /** Null: an XA transaction that was prepared before the range. */
  readonly operations: readonly ReadOperation[] | null;
  readonly rolledBack: boolean;
}

/** Ends the reading; not an error. */
export class EndOfRange extends Error {}

/** Puts what is read into the form in which it is compared: digests instead of rows, so that memory stays flat. */
export class ReadingSink implements CaptureSink {
  readonly #stop: Position;
  readonly #onTransaction: (transaction: ReadTransaction) => void;
  readonly #prepared = new Map<string, readonly ReadOperation[]>();
  #digests = new Map<number, RowsDigest>();
  #spilled: CapturedOperation[] = [];

  constructor(stop: Position, onTransaction: (transaction: ReadTransaction) => void) {
    this.#stop = stop;
    this.#onTransaction = onTransaction;
  }

  rows(operation: CapturedOperation, tableMap: Buffer, event: RowsBinlogEvent): void {
    let digest = this.#digests.get(operation.seq);
    if (!digest) this.#digests.set(operation.seq, (digest = new RowsDigest()));
    digest.add(event.type, tableMap, event.rows.buffer, event.bodyStart, event.bodyEnd);
  }

  spill(operations: readonly CapturedOperation[]): void {
    this.#spilled.push(...operations);
  }

  commit(transaction: CapturedTransaction): void {
    this.#tell(transaction, this.#take(transaction.operations), transaction.rolledBack);
  }

  prepare(xid: string, transaction: CapturedTransaction): void {
    this.#prepared.set(xid, this.#take(transaction.operations));
    this.passed({ position: transaction.end });
  }

  commitPrepared(xid: string, commit: PreparedCommit): boolean {
    const operations = this.#prepared.get(xid) ?? null;
    this.#prepared.delete(xid);
    this.#take([]);
    this.#tell(commit, operations, false);
    return true;
  }

  rollbackPrepared(xid: string, point: StreamPoint): void {
    this.#prepared.delete(xid);
    this.#take([]);
    this.passed(point);
  }

  abandon(): void {
    this.#take([]);
  }

  passed({ position }: Pick<StreamPoint, 'position'>): void {
    if (comparePositions(position, this.#stop) >= 0) throw new EndOfRange();
  }

  rotated(point: StreamPoint): void {
    this.passed(point);
  }

  #tell(transaction: PreparedCommit, operations: readonly ReadOperation[] | null, rolledBack: boolean): void {
    const { start, end, gtid } = transaction;
    if (comparePositions(start, this.#stop) < 0) this.#onTransaction({ start, end, gtid, operations, rolledBack });
    this.passed({ position: end });
  }

  #take(rest: readonly CapturedOperation[]): readonly ReadOperation[] {
    const read = [...this.#spilled, ...rest].map((operation) => ({ operation, digest: this.#digests.get(operation.seq)?.digest() ?? '' }));
    this.#digests = new Map();
    this.#spilled = [];
    return read;
  }
}
