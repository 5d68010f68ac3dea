import { UndoError, reasonOf } from '../core/errors.ts';
import { quoteTable } from '../core/identifiers.ts';
import { keptCopy } from '../core/kept-copy.ts';
import type { Position } from '../core/position.ts';
import type { BinlogEvent, EventHeader, GtidEvent, QueryEvent, RowsBinlogEvent } from '../binlog/events.ts';
import { isFullImage } from '../binlog/rows-event.ts';
import { RowWalker } from '../binlog/row-walker.ts';
import type { DdlStatement } from '../binlog/sql/classify.ts';
import { RowsFlag, type RowsKind, type TableMap } from '../binlog/types.ts';
import { replayableDdl, type DdlEvent } from '../schema/ddl-event.ts';
import type { CommitClock } from './commit-clock.ts';
import type { Copies, Copy } from './copies.ts';
import type { CaptureFilter } from './filter.ts';
import { OpenTransaction, type NewOperation } from './open-transaction.ts';
import { scriptIdOf } from './script-mark.ts';
import type {
  CaptureSink, CapturedGap, CapturedOperation, CapturedTransaction, GapReason, PreparedCommit, StreamPoint,
} from './types.ts';

/** Who must know about tables before their rows can be rendered: the schema history. */
export interface DefinitionObserver {
  /** Rows of this table are being captured. */
  seen(map: TableMap, at: Position): void;
  /** A DDL statement took effect. */
  changed(event: DdlEvent): void;
  /** Events before `at` are lost, and DDL may have been among them. */
  lost(at: Position): void;
  /** Everything before `at` has been seen. */
  passed(at: Position): void;
  /** Tables and views of a schema that are known to be there. */
  inside(schema: string): readonly Dropped[];
}

/** What goes with its database. */
export interface Dropped {
  readonly table: string;
  readonly type: 'DROPTABLE' | 'DROPVIEW';
}

interface MappedTable {
  readonly map: TableMap;
  readonly body: Buffer;
  /** Names the table among those of a statement. */
  readonly key: string;
  /** Of the filter, when `walker` was decided on. */
  generation: number;
  /** Null: not captured. */
  readonly walker: RowWalker | null;
  /** Its rows are counted, and not kept. */
  readonly copy: Copy | null;
}

const OPERATION_TYPES: Readonly<Record<RowsKind, string>> = { insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' };

/** Turns typed events into transactions of operations. Pure bookkeeping: what is kept goes to the sink, bytes included. */
export class TransactionAssembler {
  readonly #filter: CaptureFilter;
  readonly #sink: CaptureSink;
  readonly #definitions: DefinitionObserver;
  readonly #clock: CommitClock;
  readonly #life: number;
  readonly #copies: Copies | null;
  readonly #tables = new Map<number, MappedTable>();
  /** The table that was asked for last. */
  #table: MappedTable | null = null;
  /** What the statement whose events are arriving has mapped: so many of them. Emptying a Set for each transaction costs more. */
  readonly #mapped: TableMap[] = [];
  #mappedCount = 0;
  #open: OpenTransaction | null = null;
  #statement: Buffer | null = null;
  #charset: number | null = null;

  /**
   * @param life lives of the source's binlog before this one: part of the operations' names.
   * @param copies null: rows of copies are taken as all others are.
   */
  constructor(filter: CaptureFilter, sink: CaptureSink, definitions: DefinitionObserver, clock: CommitClock, life = 0, copies: Copies | null = null) {
    this.#life = life;
    this.#copies = copies;
    this.#filter = filter;
    this.#sink = sink;
    this.#definitions = definitions;
    this.#clock = clock;
  }

  /** @throws UndoError when going on would lose changes without a trace. */
  handle(event: BinlogEvent): void {
    switch (event.kind) {
      case 'rows': { this.#rows(event); return; }
      case 'tableMap': { this.#tableMap(event.map, event.body, event.header); return; }
      case 'statement':
        this.#statement = keptCopy(event.buffer, event.sqlStart, event.sqlEnd);
        if (this.#open) this.#open.script ??= scriptIdOf(this.#statement);
        return;
      case 'gtid': { this.#begin(event); return; }
      case 'query': { this.#query(event); return; }
      case 'xid': { this.#commit(event.header); return; }
      case 'xaPrepare': { this.#xaPrepare(event.header, event.onePhase, event.xid); return; }
      case 'rotate': { this.#rotate(event); return; }
      case 'heartbeat':
        if (!this.#open) this.#passed(event.header, null);
        return;
      case 'incident':
        this.#definitions.lost({ file: event.header.file, offset: event.header.end });
        this.#copies?.lost(event.header.timestamp);
        this.#gap('incident', null, null, event.header, event.message);
        return;
      case 'statementDml':
        { this.#gap('statement-dml', null, null, event.header, event.sql.toString('utf8').slice(0, 200)); return; }
      case 'payload':
        throw new UndoError('INTERNAL', 'A TRANSACTION_PAYLOAD reached capture: the stream unpacks them.');
      case 'unreadable': { this.#unreadable(event.header, event.reason); return; }
      case 'format': case 'previousGtids': case 'other':
        if (!this.#open) this.#passed(event.header, null);
    }
  }

  /** Inside a transaction it may carry rows of the tables that its statement has mapped; elsewhere it may change what follows. */
  #unreadable(header: EventHeader, reason: string): void {
    if (!this.#open) throw new UndoError('EVENT_UNSUPPORTED', `${reason} at ${header.file}:${header.start} cannot be read.`);
    const detail = `this release cannot read ${reason}`;
    const mapped = new Set(this.#mapped.slice(0, this.#mappedCount));
    for (const { schema, table } of mapped) if (this.#filter.captures(schema, table)) this.#gap('unreadable-rows', schema, table, header, detail);
    if (mapped.size === 0) this.#gap('unreadable-rows', null, null, header, detail);
  }

  #begin(event: GtidEvent): void {
    if (this.#open) {
      const { start } = this.#open;
      throw new UndoError('EVENT_CORRUPT', `The transaction at ${start.file}:${start.offset} has no end before the next one begins.`);
    }
    this.#open = new OpenTransaction(event, this.#life);
    this.#statement = null;
    this.#charset = null;
  }

  #query(event: QueryEvent): void {
    const transaction = this.#required(event.header);
    const query = event.class;
    if (event.threadId !== 0) transaction.threadId = event.threadId;
    switch (query.kind) {
      case 'begin': case 'xaStart':
        transaction.grouped = true;
        transaction.xa = query.kind === 'xaStart';
        this.#charset = event.charset;
        return;
      case 'commit': { this.#commit(event.header); return; }
      case 'xaCommit': { this.#xaCommit(event.header, query.xid, query.onePhase === true); return; }
      case 'xaRollback':
        this.#sink.rollbackPrepared(query.xid, this.#endOf(event.header));
        this.#finish(event.header);
        return;
      case 'rollback':
        transaction.rollbackAll();
        { this.#commit(event.header); return; }
      case 'savepoint': { transaction.savepoint(query.name); return; }
      case 'rollbackTo':
        if (!transaction.rollbackTo(query.name)) this.#gap('rollback-to', null, null, event.header, `unknown savepoint ${query.name}`);
        return;
      case 'releaseSavepoint': case 'xaEnd': case 'xaPrepare':
        return;
      case 'ddl': this.#ddl(transaction, event, query.statement); break;
      case 'dml': this.#statementDml(event, query.tables); break;
      case 'other': break;
    }
    if (!transaction.grouped) this.#commit(event.header);
  }

  #ddl(transaction: OpenTransaction, event: QueryEvent, statement: DdlStatement): void {
    // Two-phase ALTER logs its text twice; only the second takes effect.
    if (transaction.twoPhaseAlter === 'start' || transaction.twoPhaseAlter === 'rollback') return;
    for (const { schema, table } of statement.tables) this.#filter.notice(schema, table);
    if (statement.temporary) return;
    const at = { file: event.header.file, offset: event.header.end };
    const dropped = statement.verb === 'DROP' && statement.database !== null ? this.#definitions.inside(statement.database) : [];
    this.#definitions.changed({ statement, schema: event.schema, at, replayable: replayableDdl(event) });
    const sql = Buffer.from(event.sql);
    this.#copies?.changed({ statement, schema: event.schema, sql: sql.toString('utf8'), sqlMode: event.status.sqlMode, seconds: event.header.timestamp });
    const session = { schema: event.schema, sqlMode: event.status.sqlMode };
    transaction.script ??= scriptIdOf(sql);
    const { database, type: own } = statement;
    // What is undone first comes last: the database, then its tables, then its views.
    const names = database !== null
      ? [...dropped.map(({ table, type }) => ({ schema: database, table, type })), { schema: database, table: '', type: own }]
      : (statement.tables.length > 0 ? distinct(statement.tables) : [{ schema: statement.name?.schema || event.schema, table: '' }]).map((name) => ({ ...name, type: own }));
    for (const { schema, table, type } of names) {
      const captured = table === '' ? this.#filter.capturesSchema(schema) : this.#filter.captures(schema, table);
      transaction.addDdl(captured
        ? { schema, table, type, seconds: event.header.timestamp, statement: sql, charset: event.charset, ddl: true, copy: null, session }
        : null);
    }
  }

  #statementDml(event: QueryEvent, tables: readonly { schema: string; table: string }[]): void {
    const detail = event.sql.toString('utf8').slice(0, 200);
    const captured = tables.filter(({ schema, table }) => this.#filter.captures(schema, table));
    for (const { schema, table } of captured) this.#gap('statement-dml', schema, table, event.header, detail);
    if (tables.length === 0 && this.#filter.capturesSchema(event.schema)) this.#gap('statement-dml', event.schema, null, event.header, detail);
  }

  #tableMap(map: TableMap, body: Buffer, header: EventHeader): void {
    // A statement of millions of rows may repeat its map.
    if (this.#mappedCount === 0 || this.#mapped[this.#mappedCount - 1] !== map) this.#mapped[this.#mappedCount++] = map;
    const copy = this.#copies?.find(map.schema, map.table) ?? null;
    let table = this.#mappedTable(map.tableId);
    if (table?.map !== map || table.copy !== copy || !this.#stillDecided(table)) {
      this.#filter.notice(map.schema, map.table);
      table = this.#map(map, body, header, copy);
    }
    if (table.walker && !copy) this.#definitions.seen(map, { file: header.file, offset: header.start });
  }

  #mappedTable(id: number): MappedTable | undefined {
    if (this.#table?.map.tableId === id) return this.#table;
    const found = this.#tables.get(id);
    if (found) this.#table = found;
    return found;
  }

  /** Is what the filter said of this table what it would say now? */
  #stillDecided(table: MappedTable): boolean {
    const { generation } = this.#filter;
    if (table.generation === generation) return true;
    if ((table.walker !== null) !== this.#filter.captures(table.map.schema, table.map.table)) return false;
    table.generation = generation;
    return true;
  }

  #map(map: TableMap, body: Buffer, header: EventHeader, copy: Copy | null): MappedTable {
    const { schema, table } = map;
    const walker = this.#filter.captures(schema, table) ? walkerOf(map, header) : null;
    const mapped = { map, body, key: `${schema}\0${table}`, generation: this.#filter.generation, walker, copy };
    if (this.#tables.size >= 10_000) this.#tables.clear();
    this.#tables.set(map.tableId, mapped);
    this.#table = mapped;
    return mapped;
  }

  #rows(event: RowsBinlogEvent): void {
    const { rows, header } = event;
    const transaction = this.#required(header);
    const table = this.#mappedTable(rows.tableId);
    if (!table) throw new UndoError('EVENT_CORRUPT', `Rows at ${header.file}:${header.start} have no TABLE_MAP.`);
    transaction.grouped = true;
    let operation = transaction.operationOf(table.key);
    if (operation === undefined) operation = transaction.addRows(table.key, table.walker ? this.#newOperation(table, event) : null);
    if (operation && table.walker) this.#keep(operation, table.body, table.walker, event);
    if (rows.flags & RowsFlag.STATEMENT_END) {
      transaction.endStatement();
      this.#statement = null;
      this.#mappedCount = 0;
      const spill = transaction.takeSpill();
      if (spill) this.#sink.spill(spill, transaction.xa);
    }
  }

  #newOperation({ map: { schema, table }, copy }: MappedTable, { rows, header }: RowsBinlogEvent): NewOperation {
    return {
      schema, table, type: OPERATION_TYPES[rows.kind], seconds: header.timestamp,
      statement: this.#statement, charset: this.#charset, ddl: false, copy, session: null,
    };
  }

  #keep(operation: CapturedOperation, tableMap: Buffer, walker: RowWalker, event: RowsBinlogEvent): void {
    const { rows, header } = event;
    let count: number;
    try {
      count = walker.count(rows);
    } catch (error) {
      this.#gap('unreadable-rows', operation.schema, operation.table, header, reasonOf(error)); return;
    }
    if (!isFullImage(rows)) operation.partial = true;
    if (rows.kind === 'insert') operation.inserted += count;
    else if (rows.kind === 'update') operation.updated += count;
    else operation.deleted += count;
    if (!operation.copy) this.#sink.rows(operation, tableMap, event);
  }

  #xaPrepare(header: EventHeader, onePhase: boolean, xid: string): void {
    if (onePhase) { this.#commit(header); return; }
    // Also when it leaves nothing: its XA COMMIT must not look like that of rows which this log never saw.
    this.#sink.prepare(xid, this.#capture(header));
    this.#finish(header);
  }

  #xaCommit(header: EventHeader, xid: string, onePhase: boolean): void {
    const open = this.#required(header);
    if (onePhase) { this.#commit(header); return; }
    const commit = this.#commitOf(open, header);
    if (this.#sink.commitPrepared(xid, commit)) { this.#finish(header); return; }
    // Whose rows these are was logged with the XA PREPARE, which this log does not hold.
    this.#gap('xa', null, null, header, `rows of XA transaction ${xid}, prepared before the log began`);
    this.#commit(header);
  }

  #commit(header: EventHeader): void {
    const captured = this.#capture(header);
    if (captured.operations.length > 0 || captured.gaps.length > 0 || captured.spilled) this.#sink.commit(captured);
    else {
      this.#sink.abandon();
      this.#sink.passed(this.#endOf(header), captured.commitMicros);
    }
    this.#finish(header);
  }

  /** The open transaction as it ends here. */
  #capture(header: EventHeader): CapturedTransaction {
    const open = this.#required(header);
    const { start, end, gtid, serverId, statedSeconds, commitMicros } = this.#commitOf(open, header);
    // Written out, as a spread for each transaction costs more than its decoding.
    return {
      start, end, gtid, serverId, statedSeconds, commitMicros, threadId: open.threadId, operations: open.takeOperations(), gaps: open.gaps,
      spilled: open.spilled, rolledBack: open.rolledBack, script: open.script,
    };
  }

  #commitOf(open: OpenTransaction, header: EventHeader): PreparedCommit {
    return {
      start: open.start, end: this.#endOf(header).position, gtid: open.gtid, serverId: open.serverId, statedSeconds: header.timestamp,
      commitMicros: this.#clock.commitTime(open.commitMicros, header.timestamp),
    };
  }

  #endOf(header: EventHeader): StreamPoint {
    return { position: { file: header.file, offset: header.end }, gtid: this.#open?.gtid ?? null };
  }

  #finish(header: EventHeader): void {
    this.#open = null;
    this.#statement = null;
    this.#mappedCount = 0;
    this.#definitions.passed({ file: header.file, offset: header.end });
  }

  #rotate(event: Extract<BinlogEvent, { kind: 'rotate' }>): void {
    // Table ids are the server's own and start anew with it; a statement never spans two files.
    this.#tables.clear();
    this.#table = null;
    if (event.artificial) return;
    this.#sink.rotated({ position: event.to, gtid: null });
  }

  #passed(header: EventHeader, gtid: string | null): void {
    const point: StreamPoint = { position: { file: header.file, offset: header.end }, gtid };
    this.#sink.passed(point, null);
    this.#definitions.passed(point.position);
  }

  #gap(reason: GapReason, schema: string | null, table: string | null, header: EventHeader, detail: string): void {
    const gap: CapturedGap = {
      reason, schema, table, detail,
      from: { file: header.file, offset: header.start }, to: { file: header.file, offset: header.end },
    };
    if (this.#open) this.#open.gaps.push(gap);
    else this.#loneGap(gap, header);
  }

  /** The servers write an incident between transactions as well. */
  #loneGap(gap: CapturedGap, header: EventHeader): void {
    const { serverId, timestamp } = header;
    this.#sink.commit({
      start: { file: header.file, offset: header.start }, end: gap.to, gtid: null, threadId: 0, serverId, statedSeconds: timestamp,
      commitMicros: this.#clock.commitTime(null, timestamp), operations: [], spilled: false, rolledBack: false, script: null, gaps: [gap],
    });
    this.#definitions.passed(gap.to);
  }

  #required(header: EventHeader): OpenTransaction {
    if (!this.#open) throw new UndoError('EVENT_CORRUPT', `The event at ${header.file}:${header.start} belongs to no transaction: no GTID event came before it.`);
    return this.#open;
  }
}

/** A swap of names says each of them twice. */
function distinct(names: DdlStatement['tables']): DdlStatement['tables'] {
  return names.filter((name, i) => names.findIndex(({ schema, table }) => schema === name.schema && table === name.table) === i);
}

/** @throws UndoError EVENT_UNSUPPORTED for a column type of a later server. */
function walkerOf(map: TableMap, header: EventHeader): RowWalker {
  try {
    return new RowWalker(map);
  } catch (error) {
    throw new UndoError('EVENT_UNSUPPORTED', `Rows of ${quoteTable(map.schema, map.table)} at ${header.file}:${header.start} cannot be read: ${reasonOf(error)}.`, {
      fix: 'Upgrade binlog-undo, or exclude the table: its changes are then noted as not in the log.', cause: error,
    });
  }
}
