import { ByteCursor, u16, u32 } from '../core/bytes.ts';
import { UndoError, reasonOf } from '../core/errors.ts';
import type { Position } from '../core/position.ts';
import { crc32 } from './checksum.ts';
import { EventFlag, EventType, HEADER_LENGTH, eventTypeName } from './event-type.ts';
import type { BinlogEvent, EventHeader } from './events.ts';
import { parseMariadbGtid, parseMysqlGtid, parseTaggedGtid } from './gtid-event.ts';
import { inflateBuffer, inflateRows, plainType } from './mariadb-compressed.ts';
import { parsePayload } from './payload.ts';
import { parsePreviousGtids } from './previous-gtids.ts';
import { QueryReader } from './query-event.ts';
import { parseRowsEvent } from './rows-event.ts';
import { TableMapCache } from './table-map-cache.ts';
import { parseXaPrepare } from './xa.ts';

const TWO_32 = 2 ** 32;
/** The events that open a group, and so the first that a GTID start gives. */
const GROUP_STARTS: ReadonlySet<number> = new Set([EventType.GTID, EventType.GTID_TAGGED, EventType.ANONYMOUS_GTID, EventType.MARIADB_GTID]);

/**
 * Bytes of one binlog stream in, typed events out; no I/O. Keeps what the stream itself defines: the file, the position
 * (own accounting, since the header's is 32 bits wide and zero inside MariaDB 11.8 transactions) and the checksum
 * algorithm of the current file, which each FORMAT_DESCRIPTION event states anew.
 */
export class BinlogDecoder {
  readonly #queries: QueryReader;
  readonly #maps = new TableMapCache();
  #file: string;
  #offset: number;
  #crc32 = false;
  #notBefore: Position | null;

  /**
   * @param file, @param offset where the stream was asked to start; the first ROTATE corrects them for a GTID start.
   * @param notBefore of a GTID start: its first group lies here or behind, which tells its position beyond 4 GiB.
   */
  constructor(flavour: 'mysql' | 'mariadb', file = '', offset = 4, notBefore: Position | null = null) {
    this.#queries = new QueryReader(flavour);
    this.#file = file;
    this.#offset = offset;
    this.#notBefore = notBefore;
  }

  /**
   * @param start first byte of the common header, @param end one past the event.
   * @throws UndoError EVENT_CORRUPT, EVENT_UNSUPPORTED; the decoder is then not to be used any further.
   */
  decode(buffer: Buffer, start: number, end: number): BinlogEvent {
    if (end - start < HEADER_LENGTH + 4) throw this.#corrupt(`${end - start} bytes are no event`);
    const type = buffer[start + 4]!;
    const length = u32(buffer, start + 9);
    if (length !== end - start) throw this.#corrupt(`the header of ${eventTypeName(type)} says ${length} bytes, ${end - start} arrived`);
    const crc = crc32(buffer, start, end - 4);
    const bodyEnd = this.#bodyEnd(buffer, start, end, type, crc);
    return this.#parse(this.#account(buffer, start, type, length, crc), buffer, start + HEADER_LENGTH, bodyEnd);
  }

  /**
   * An event from inside a TRANSACTION_PAYLOAD: without CRC32 or position of its own, it lies where its carrier does.
   * @param carrier header of the payload event.
   */
  decodeInner(carrier: EventHeader, buffer: Buffer, start: number, end: number): BinlogEvent {
    const header = { ...carrier, timestamp: u32(buffer, start), type: buffer[start + 4]!, serverId: u32(buffer, start + 5), flags: u16(buffer, start + 17) };
    if (header.type === EventType.TRANSACTION_PAYLOAD) throw this.#corrupt('a TRANSACTION_PAYLOAD lies inside another');
    return this.#parse(header, buffer, start + HEADER_LENGTH, end);
  }

  #parse(header: EventHeader, buffer: Buffer, start: number, end: number): BinlogEvent {
    try {
      return this.#body(header, buffer, start, end);
    } catch (error) {
      if (error instanceof UndoError) throw error;
      throw new UndoError('EVENT_CORRUPT', `${eventTypeName(header.type)} at ${header.file}:${header.start} does not parse: ${reasonOf(error)}.`, { cause: error });
    }
  }

  /** Strips and verifies the CRC32, where there is one. */
  #bodyEnd(buffer: Buffer, start: number, end: number, type: number, crc: number): number {
    const bodyEnd = end - 4;
    const matches = crc === u32(buffer, bodyEnd);
    if (type === EventType.FORMAT_DESCRIPTION) {
      // Its last bytes are the algorithm and a CRC32 field that is there, if not always filled, in either case.
      this.#crc32 = buffer[bodyEnd - 1] === 1;
      if (this.#crc32 && !matches) throw this.#corrupt('CRC32 of FORMAT_DESCRIPTION differs');
      return bodyEnd;
    }
    // Events that the sender makes up follow its own setting, not the file's; the first precedes any description.
    if (isMadeUp(type, u16(buffer, start + 17))) return matches ? bodyEnd : end;
    if (!this.#crc32) return end;
    if (!matches) throw this.#corrupt('CRC32 differs');
    return bodyEnd;
  }

  #corrupt(what: string): UndoError {
    return new UndoError('EVENT_CORRUPT', `Event after ${this.#file}:${this.#offset}: ${what}.`);
  }

  /** Derives the event's 64-bit bounds and moves on. */
  #account(buffer: Buffer, start: number, type: number, length: number, crc: number): EventHeader {
    const flags = u16(buffer, start + 17);
    const next = u32(buffer, start + 13);
    let begin = this.#offset;
    let finish = begin;
    // The FORMAT_DESCRIPTION that opens a dump in mid-file is a copy with position 0: it lies at the file's begin.
    if (!isMadeUp(type, flags) && (type !== EventType.FORMAT_DESCRIPTION || (next !== 0 && begin <= 4))) {
      finish = next === 0 ? begin + length : this.#behind(begin, next, type);
      begin = finish - length;
      this.#offset = finish;
    }
    return { timestamp: u32(buffer, start), type, serverId: u32(buffer, start + 5), flags, file: this.#file, start: begin, end: finish, crc };
  }

  /** The server skips events that this reader did not ask for: its word counts for the low 32 bits of where an event ends. */
  #behind(offset: number, low: number, type: number): number {
    // In integers below 4 GiB: a fraction on the way makes numbers with memory of their own of all positions.
    let finish = offset < TWO_32 ? low : Math.floor(offset / TWO_32) * TWO_32 + low;
    if (finish < offset) finish += TWO_32;
    return this.#notBefore !== null && GROUP_STARTS.has(type) ? this.#behindStart(finish) : finish;
  }

  /** The server skips what a GTID start already has: how often 2^32 fits into what it skipped, only the start itself tells. */
  #behindStart(finish: number): number {
    const from = this.#notBefore;
    this.#notBefore = null;
    if (from?.file !== this.#file) return finish;
    let found = finish;
    while (found <= from.offset) found += TWO_32;
    return found;
  }

  #body(header: EventHeader, buffer: Buffer, start: number, end: number): BinlogEvent {
    switch (header.type) {
      case EventType.WRITE_ROWS: case EventType.UPDATE_ROWS: case EventType.DELETE_ROWS:
      case EventType.PARTIAL_UPDATE_ROWS: case EventType.WRITE_ROWS_V1: case EventType.UPDATE_ROWS_V1: case EventType.DELETE_ROWS_V1:
        return rowsEvent(header, header.type, buffer, start, end);
      case EventType.TABLE_MAP: {
        const { map, known } = this.#maps.read(buffer, start, end);
        return { kind: 'tableMap', header, map, body: known.bytes };
      }
      case EventType.XID:
        return { kind: 'xid', header };
      case EventType.QUERY:
        return this.#queries.read(header, buffer, start, end);
      case EventType.ROWS_QUERY:
        // One byte before the text is meant to be its length, and to be ignored.
        if (start === end) throw new RangeError('no length byte');
        return { kind: 'statement', header, buffer, sqlStart: start + 1, sqlEnd: end };
      case EventType.ANNOTATE_ROWS:
        return { kind: 'statement', header, buffer, sqlStart: start, sqlEnd: end };
      default:
        return this.#byCursor(header, new ByteCursor(buffer, start, end));
    }
  }

  #byCursor(header: EventHeader, cursor: ByteCursor): BinlogEvent {
    switch (header.type) {
      case EventType.GTID:
        return parseMysqlGtid(header, cursor, false);
      case EventType.ANONYMOUS_GTID:
        return parseMysqlGtid(header, cursor, true);
      case EventType.GTID_TAGGED:
        return parseTaggedGtid(header, cursor);
      case EventType.MARIADB_GTID:
        return parseMariadbGtid(header, cursor);
      case EventType.HEARTBEAT: case EventType.HEARTBEAT_V2:
        return { kind: 'heartbeat', header };
      case EventType.FORMAT_DESCRIPTION:
        cursor.u16();
        return { kind: 'format', header, serverVersion: cursor.text(50).split('\0', 1)[0]!, crc32: this.#crc32 };
      case EventType.ROTATE:
        return this.#rotate(header, cursor);
      case EventType.XA_PREPARE:
        return parseXaPrepare(header, cursor);
      case EventType.INCIDENT:
        cursor.u16();
        return { kind: 'incident', header, message: cursor.text(cursor.u8()) };
      case EventType.EXECUTE_LOAD_QUERY:
        return { kind: 'statementDml', header, sql: cursor.slice(cursor.left) };
      case EventType.TRANSACTION_PAYLOAD:
        return parsePayload(header, cursor);
      case EventType.PREVIOUS_GTIDS:
        return { kind: 'previousGtids', header, gtidSet: parsePreviousGtids(header, cursor) };
      default:
        return this.#compressed(header, cursor) ?? this.#rest(header);
    }
  }

  /** MariaDB's log_bin_compress: the same events with their bulk deflated. */
  #compressed(header: EventHeader, cursor: ByteCursor): BinlogEvent | null {
    const type = plainType(header.type);
    if (type === null) return null;
    if (type === EventType.QUERY) return this.#queries.readText(header, cursor, (sql) => inflateBuffer(sql, 0, sql.length));
    const body = inflateRows(type, cursor.buffer, cursor.offset, cursor.end);
    return rowsEvent(header, type, body, 0, body.length);
  }

  #rotate(header: EventHeader, cursor: ByteCursor): BinlogEvent {
    const offset = cursor.u64();
    const file = cursor.text(cursor.left);
    this.#file = file;
    this.#offset = offset;
    this.#maps.clear();
    return { kind: 'rotate', header, to: { file, offset }, artificial: (header.flags & EventFlag.ARTIFICIAL) !== 0 };
  }

  #rest(header: EventHeader): BinlogEvent {
    const known: number[] = [
      EventType.STOP, EventType.INTVAR, EventType.RAND, EventType.USER_VAR, EventType.BEGIN_LOAD_QUERY, EventType.IGNORABLE,
      EventType.TRANSACTION_CONTEXT, EventType.VIEW_CHANGE, EventType.BINLOG_CHECKPOINT,
      EventType.MARIADB_GTID_LIST, EventType.START_ENCRYPTION,
    ];
    if (known.includes(header.type) || (header.flags & EventFlag.IGNORABLE) !== 0) return { kind: 'other', header };
    return { kind: 'unreadable', header, reason: eventTypeName(header.type) };
  }
}

function rowsEvent(header: EventHeader, type: number, buffer: Buffer, start: number, end: number): BinlogEvent {
  return { kind: 'rows', header, type, rows: parseRowsEvent(type, buffer, start, end), bodyStart: start, bodyEnd: end };
}

/** Sent by the dump thread on its own account: not in the file, so no position moves. */
function isMadeUp(type: number, flags: number): boolean {
  return (flags & EventFlag.ARTIFICIAL) !== 0 || type === EventType.HEARTBEAT || type === EventType.HEARTBEAT_V2;
}
