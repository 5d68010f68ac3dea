import { ByteCursor, u32 } from '../core/bytes.ts';
import { KnownBytes } from '../core/known-bytes.ts';
import type { EventHeader, QueryEvent } from './events.ts';
import { classifyQuery } from './sql/classify.ts';
import { parseStatusVars } from './status-vars.ts';

/** Where the thread and the seconds that it took end, which differ between transactions that are alike else. */
const ALIKE_FROM = 8;
/** So many kinds of sessions that take turns are recognised, by so many bytes at most. */
const KNOWN = 8;
const KNOWN_BYTES = 1024;

interface KnownBegin {
  readonly bytes: KnownBytes;
  readonly event: QueryEvent;
}

/** Reads QUERY (MySQL statement_events.h, Query_event): thread, time, schema length, error, status variables, schema, text. */
export class QueryReader {
  readonly #flavour: 'mysql' | 'mariadb';
  /** BEGIN opens nearly every transaction, and says the same of its session as the last one did. */
  readonly #begins: KnownBegin[] = [];
  #next = 0;

  constructor(flavour: 'mysql' | 'mariadb') {
    this.#flavour = flavour;
  }

  read(header: EventHeader, buffer: Buffer, start: number, end: number): QueryEvent {
    for (const { bytes, event } of this.#begins) {
      if (!bytes.are(buffer, start + ALIKE_FROM, end)) continue;
      const { errorCode, schema, sql, charset, status } = event;
      return { kind: 'query', header, threadId: u32(buffer, start), errorCode, schema, sql, charset, status, class: event.class };
    }
    const event = this.readText(header, new ByteCursor(buffer, start, end), (sql) => sql);
    if (event.class.kind === 'begin' && end - start <= KNOWN_BYTES) this.#remember(event, new KnownBytes(buffer, start + ALIKE_FROM, end));
    return event;
  }

  /** @param inflate gives the statement out of what stands in its place. */
  readText(header: EventHeader, body: ByteCursor, inflate: (sql: Buffer) => Buffer): QueryEvent {
    const threadId = body.u32();
    body.take(4);
    const schemaLength = body.u8();
    const errorCode = body.u16();
    const statusLength = body.u16();
    const statusAt = body.take(statusLength);
    const schema = body.text(schemaLength);
    body.take(1);
    const sql = inflate(body.slice(body.left));
    const status = parseStatusVars(body.buffer, statusAt, statusAt + statusLength, this.#flavour);
    return {
      kind: 'query', header, threadId, errorCode, schema, sql, charset: status.clientCharset, status,
      // Names in SQL outside UTF-8 are read byte for byte wrong here, but verbs and ASCII names are not.
      class: classifyQuery(sql.toString('utf8'), { schema, sqlMode: status.sqlMode, flavour: this.#flavour }),
    };
  }

  #remember(event: QueryEvent, bytes: KnownBytes): void {
    const sql = bytes.bytes.subarray(bytes.bytes.length - event.sql.length);
    this.#begins[this.#next] = { bytes, event: { ...event, sql } };
    this.#next = (this.#next + 1) % KNOWN;
  }
}
