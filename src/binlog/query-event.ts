import type { ByteCursor } from '../core/bytes.ts';
import type { EventHeader, QueryEvent } from './events.ts';
import { classifyQuery } from './sql/classify.ts';
import { parseStatusVars } from './status-vars.ts';

/** QUERY (MySQL statement_events.h, Query_event): thread, time, schema length, error, status variables, schema, text. */
export function parseQueryEvent(
  header: EventHeader, body: ByteCursor, flavour: 'mysql' | 'mariadb', inflate: (sql: Buffer) => Buffer = (sql) => sql,
): QueryEvent {
  const threadId = body.u32();
  body.take(4);
  const schemaLength = body.u8();
  const errorCode = body.u16();
  const statusLength = body.u16();
  const statusAt = body.take(statusLength);
  const schema = body.text(schemaLength);
  body.take(1);
  const sql = inflate(body.slice(body.left));
  // BEGIN opens nearly every transaction: its class needs no reading of status variables beyond the character set.
  const status = parseStatusVars(body.buffer, statusAt, statusAt + statusLength, flavour);
  const isBegin = sql.length === 5 && sql.toString('latin1') === 'BEGIN';
  return {
    kind: 'query', header, threadId, errorCode, schema, sql, charset: status.clientCharset, status,
    // Names in SQL outside UTF-8 are read byte for byte wrong here, but verbs and ASCII names are not.
    class: isBegin ? { kind: 'begin' } : classifyQuery(sql.toString('utf8'), { schema, sqlMode: status.sqlMode, flavour }),
  };
}
