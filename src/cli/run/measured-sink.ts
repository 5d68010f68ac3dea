import type { CapturedOperation, CapturedTransaction, CaptureSink, PreparedCommit, StreamPoint } from '../../capture/types.ts';
import type { RowsBinlogEvent } from '../../binlog/events.ts';
import type { DaemonMetrics } from '../../metrics/daemon-metrics.ts';

/** Counts what capture hands to the store, and hands it on. */
export class MeasuredSink implements CaptureSink {
  readonly #sink: CaptureSink;
  readonly #metrics: DaemonMetrics;

  constructor(sink: CaptureSink, metrics: DaemonMetrics) {
    this.#sink = sink;
    this.#metrics = metrics;
  }

  rows(operation: CapturedOperation, tableMap: Buffer, event: RowsBinlogEvent): void {
    this.#sink.rows(operation, tableMap, event);
  }

  spill(operations: readonly CapturedOperation[], xa: boolean): void {
    this.#count(operations);
    this.#sink.spill(operations, xa);
  }

  commit(transaction: CapturedTransaction): void {
    this.#countAll(transaction);
    const kept = transaction.operations.length > 0 || transaction.spilled;
    if (kept) this.#metrics.transactions.add('plain');
    if (kept || transaction.gaps.length > 0) this.#metrics.lag.captured(transaction.commitMicros);
    this.#sink.commit(transaction);
  }

  prepare(xid: string, transaction: CapturedTransaction): void {
    this.#countAll(transaction);
    this.#sink.prepare(xid, transaction);
  }

  commitPrepared(xid: string, commit: PreparedCommit): boolean {
    const known = this.#sink.commitPrepared(xid, commit);
    if (known) {
      this.#metrics.transactions.add('xa');
      this.#metrics.lag.captured(commit.commitMicros);
    }
    return known;
  }

  rollbackPrepared(xid: string, point: StreamPoint): void {
    this.#sink.rollbackPrepared(xid, point);
  }

  abandon(): void {
    this.#sink.abandon();
  }

  passed(point: StreamPoint, commitMicros: number | null): void {
    if (commitMicros !== null) this.#metrics.lag.passed(commitMicros);
    this.#sink.passed(point, commitMicros);
  }

  rotated(point: StreamPoint): void {
    this.#sink.rotated(point);
  }

  #countAll({ operations, gaps }: CapturedTransaction): void {
    this.#count(operations);
    this.#metrics.undecodable += gaps.filter((gap) => gap.reason === 'unreadable-rows').length;
  }

  #count(operations: readonly CapturedOperation[]): void {
    const { rows, skipped } = this.#metrics;
    for (const { inserted, updated, deleted, copy } of operations) {
      if (copy) {
        skipped.add('copy', inserted + updated + deleted);
        continue;
      }
      rows.add('insert', inserted);
      rows.add('update', updated);
      rows.add('delete', deleted);
    }
  }
}
