import type { Position } from '../core/position.ts';
import type { RowsBinlogEvent } from '../binlog/events.ts';
import type { Copy } from './copies.ts';

/** Why a stretch of history or a change is not in the log. Stored as text: never rename one. */
export type GapReason =
  | 'statement-dml' // statement-format DML: rows not in the binlog
  | 'partial-image' // rows held, but binlog_row_image or binlog_row_value_options left out what their undo needs
  | 'incident' // the source itself lost events
  | 'xa' // XA COMMIT of a transaction that was prepared before the log began
  | 'unreadable-rows' // a rows event that does not parse against its TABLE_MAP
  | 'definition-unknown' // rows held, but the table's columns at that position are not known
  | 'not-undoable' // rows held, but this release cannot undo them (system-versioned tables, sequences)
  | 'rollback-to' // ROLLBACK TO SAVEPOINT over a table whose engine is not known
  | 'purged' // binlog expired before it was read
  | 'incarnation' // the source began a new binlog (reset, restored, another server) that does not go on from the log's end
  | 'erased' // an operator erased row images of one key (binlog-undo erase)
  | 'operator-skip'; // an operator moved the log on, past history that it does not hold (binlog-undo skip)

/** A gap as capture meets it: inside one transaction, scoped to a table where that is known. */
export interface CapturedGap {
  readonly reason: GapReason;
  readonly schema: string | null;
  readonly table: string | null;
  readonly from: Position;
  readonly to: Position;
  readonly detail: string;
}

/** What of a session decides how the text of its DDL is read. */
export interface DdlSession {
  /** Its default schema; empty for none. */
  readonly schema: string;
  readonly sqlMode: number;
}

/** One statement's effect on one table inside one transaction. Counts grow while its rows arrive. */
export interface CapturedOperation {
  /** Ordinal in the transaction, counted before any filter. */
  readonly seq: number;
  readonly opid: string;
  readonly schema: string;
  readonly table: string;
  /** INSERT, UPDATE, DELETE (that of its first rows event), or the DDL type. */
  readonly type: string;
  readonly seconds: number;
  /** What the server logged, as bytes in `charset`; null when it was not told to log statements. */
  readonly statement: Buffer | null;
  /** Collation id of the client's character set; null when unknown. */
  readonly charset: number | null;
  readonly ddl: boolean;
  /** Its rows fill a copy for an online schema change: they are counted, and not handed on. */
  readonly copy: Copy | null;
  /** Of DDL: what its text has to be read with. */
  readonly session: DdlSession | null;
  inserted: number;
  updated: number;
  deleted: number;
  /** Some row images lack columns: whether they can be undone depends on the table's key. */
  partial: boolean;
  /** Rolled back (ROLLBACK or ROLLBACK TO): stays only if its table is not transactional. */
  rolledBack: boolean;
}

/** A committed source transaction with something to keep. */
export interface CapturedTransaction {
  readonly start: Position;
  readonly end: Position;
  readonly gtid: string | null;
  readonly threadId: number;
  readonly serverId: number;
  readonly commitMicros: number;
  /** Header seconds of the commit event, as stated by the server. */
  readonly statedSeconds: number;
  /** Those not handed on before by `spill`. */
  readonly operations: readonly CapturedOperation[];
  readonly spilled: boolean;
  /** Ended by ROLLBACK: only DDL and rows of tables that are not transactional stay. */
  readonly rolledBack: boolean;
  /** Id of the script of ours that this is a run of; null for everything else. */
  readonly script: string | null;
  readonly gaps: readonly CapturedGap[];
}

/** A place between two transactions: everything before it has been handed on. */
export interface StreamPoint {
  readonly position: Position;
  /** GTID of the transaction that ends here, to join the executed set; null when there is none. */
  readonly gtid: string | null;
}

/** The group of events that ends a prepared transaction. */
export type PreparedCommit = Pick<CapturedTransaction, 'start' | 'end' | 'gtid' | 'serverId' | 'commitMicros' | 'statedSeconds'>;

/** Where capture puts what it assembles. No method may block; back-pressure pauses the stream instead. */
export interface CaptureSink {
  /** Rows of the open transaction. Buffers are views: copy what is kept. `tableMap` is stable and may be kept. */
  rows(operation: CapturedOperation, tableMap: Buffer, event: RowsBinlogEvent): void;
  /**
   * Complete operations of the open transaction, ahead of its end: there are too many of them to keep.
   * @param xa the transaction will be prepared, not committed.
   */
  spill(operations: readonly CapturedOperation[], xa: boolean): void;
  /** The open transaction committed. */
  commit(transaction: CapturedTransaction): void;
  /** The open transaction was prepared under `xid`: it exists from its XA COMMIT on, perhaps days and restarts later. */
  prepare(xid: string, transaction: CapturedTransaction): void;
  /** XA COMMIT. @returns false when nothing is known of `xid`: it was prepared before the log began, or left nothing to keep. */
  commitPrepared(xid: string, commit: PreparedCommit): boolean;
  rollbackPrepared(xid: string, point: StreamPoint): void;
  /** The open transaction leaves nothing behind. */
  abandon(): void;
  /**
   * Nothing to keep up to here: own, excluded or empty transactions, or the begin of the stream.
   * @param commitMicros when the transaction that ends here was committed; null: none does.
   */
  passed(point: StreamPoint, commitMicros: number | null): void;
  /** A real rotation: the next file begins at `point`. */
  rotated(point: StreamPoint): void;
}
