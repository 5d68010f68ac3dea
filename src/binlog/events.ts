import type { Position } from '../core/position.ts';
import type { QueryClass } from './sql/query-class.ts';
import type { StatusVars } from './status-vars.ts';
import type { RowsEvent, TableMap } from './types.ts';

/** The common header with positions from our own accounting (exact beyond 4 GiB). */
export interface EventHeader {
  /** Seconds since the epoch, as the event states it (`SET timestamp` can lie). */
  readonly timestamp: number;
  readonly type: number;
  readonly serverId: number;
  readonly flags: number;
  /** The event's first byte, and one past its last, in `file`. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** CRC32 of the event as received, without its last four bytes: the same at every reading, also of files without checksums. */
  readonly crc: number;
}

/** What ends or labels a group of events: MySQL's GTID or MariaDB's. */
export interface GtidEvent {
  readonly kind: 'gtid';
  readonly header: EventHeader;
  /** `uuid:1`, `uuid:tag:1` or `0-1-100`; null for an anonymous transaction. */
  readonly gtid: string | null;
  /** Microseconds since the epoch at commit on this server; MySQL >= 8.0.1 only. */
  readonly commitMicros: number | null;
  /** MariaDB >= 11.5 only; MySQL tells it in the Query event that follows. */
  readonly threadId: number | null;
  /** MariaDB: opens a group that a commit event ends, as BEGIN does on MySQL; false when one event (DDL) stands alone. */
  readonly opensGroup: boolean;
  /** MariaDB's binlog_alter_two_phase: the same ALTER is logged at its start and at its end. */
  readonly twoPhaseAlter: 'start' | 'commit' | 'rollback' | null;
}

export interface QueryEvent {
  readonly kind: 'query';
  readonly header: EventHeader;
  readonly threadId: number;
  readonly errorCode: number;
  readonly schema: string;
  /** A view into the packet: copy it to keep it. */
  readonly sql: Buffer;
  /** Collation id of character_set_client, which `sql` is written in; null when not told. */
  readonly charset: number | null;
  /** What else the event tells of the session. */
  readonly status: StatusVars;
  readonly class: QueryClass;
}

/** ROWS_QUERY (MySQL) and ANNOTATE_ROWS (MariaDB): the statement behind the rows that follow. */
export interface StatementEvent {
  readonly kind: 'statement';
  readonly header: EventHeader;
  /** The packet, and where its text lies. Copy it to keep it. */
  readonly buffer: Buffer;
  readonly sqlStart: number;
  readonly sqlEnd: number;
}

export interface RowsBinlogEvent {
  readonly kind: 'rows';
  readonly header: EventHeader;
  readonly rows: RowsEvent;
  /** The plain type, also when the event came compressed. */
  readonly type: number;
  /** Bounds of the event body in `rows.buffer`. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** A whole transaction in one event (MySQL >= 8.0.20, binlog_transaction_compression). */
export interface PayloadEvent {
  readonly kind: 'payload';
  readonly header: EventHeader;
  readonly compression: 'zstd' | 'none';
  /** Bytes that it inflates to, as announced. */
  readonly uncompressedBytes: number;
  /** A view into the packet. */
  readonly payload: Buffer;
}

export type BinlogEvent =
  | GtidEvent
  | QueryEvent
  | RowsBinlogEvent
  | PayloadEvent
  | { readonly kind: 'format'; readonly header: EventHeader; readonly serverVersion: string; readonly crc32: boolean }
  | { readonly kind: 'rotate'; readonly header: EventHeader; readonly to: Position; readonly artificial: boolean }
  | { readonly kind: 'tableMap'; readonly header: EventHeader; readonly map: TableMap; readonly body: Buffer }
  | StatementEvent
  | { readonly kind: 'xid'; readonly header: EventHeader }
  | { readonly kind: 'xaPrepare'; readonly header: EventHeader; readonly onePhase: boolean; readonly xid: string }
  | { readonly kind: 'heartbeat'; readonly header: EventHeader }
  /** MySQL, at the begin of each file: what had been executed before it. */
  | { readonly kind: 'previousGtids'; readonly header: EventHeader; readonly gtidSet: string }
  | { readonly kind: 'incident'; readonly header: EventHeader; readonly message: string }
  /** LOAD DATA under statement format: changes rows that the binlog does not hold. */
  | { readonly kind: 'statementDml'; readonly header: EventHeader; readonly sql: Buffer }
  /** May carry row changes that this release cannot read. */
  | { readonly kind: 'unreadable'; readonly header: EventHeader; readonly reason: string }
  /** Nothing to do with rows: positions move on. */
  | { readonly kind: 'other'; readonly header: EventHeader };
