import { sqlModeBits } from '../../binlog/sql/tokenizer.ts';
import type { DdlEvent } from '../ddl-event.ts';
import type { ObjectDefinition, ObjectName } from './object.ts';

/**
 * What CREATE PROCEDURE or FUNCTION makes, out of its event: both servers log it as SHOW CREATE prints it, not as it was written.
 * Null: the source has to be asked.
 */
export function definitionOfEvent({ kind, name }: ObjectName, { statement, replayable }: DdlEvent): ObjectDefinition | null {
  if ((kind !== 'PROCEDURE' && kind !== 'FUNCTION') || statement.verb !== 'CREATE' || statement.ifNotExists || replayable === null) return null;
  const { sql, session } = replayable;
  const { clientCharset, connectionCollation, sqlMode } = session;
  // Bytes below 0x80 mean the same in every character set that a client can have; others were written in that of the client.
  if (!/^[\0-\x7f]*$/.test(sql) || clientCharset === null || connectionCollation === null) return null;
  // A function of a library has no body that could be kept.
  if (/\bSONAME\b/i.test(sql)) return null;
  return {
    texts: [{
      name, sql, characteristics: null, moment: null,
      session: { sqlMode: String(sqlMode), readWith: sqlMode & (sqlModeBits.ANSI_QUOTES | sqlModeBits.NO_BACKSLASH_ESCAPES), client: String(clientCharset), connection: String(connectionCollation), timeZone: null },
    }],
  };
}
