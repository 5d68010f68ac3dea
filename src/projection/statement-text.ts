import { isAscii } from 'node:buffer';
import { literal } from '../core/sql-literal.ts';
import type { StoredOperation } from '../store/log-reader.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What stands for SQL that the server was not told to log: a comment, since readers show this column as SQL. */
export const NOT_LOGGED = '/* not logged */';

/**
 * The SQL for the information table as an expression of the backup server, which knows every character set:
 * UTF-8 as it is, else the logged bytes converted there. Cut on a character boundary and marked beyond `limit` bytes.
 * @param charsetName the client's character set, null when the binlog does not tell.
 */
export function statementExpression(operation: StoredOperation, charsetName: string | null, limit: number): string {
  const { statement, statementBytes } = operation;
  if (statement === null) return literal(NOT_LOGGED);
  const cut = statement.length > limit || statementBytes > statement.length;
  const mark = cut ? ` /* cut, ${statementBytes} bytes in all */` : '';
  const kept = cut ? statement.subarray(0, Math.max(0, Math.min(limit - mark.length, statement.length))) : statement;
  if (charsetName === null || charsetName.startsWith('utf8')) {
    const text = decodeUtf8(kept, cut);
    if (text !== null) return literal(text + mark);
  }
  // Bytes that are not UTF-8 and of no known character set are shown as latin1 has them: every byte has a character there.
  const charset = charsetName === null || charsetName.startsWith('utf8') ? 'latin1' : charsetName;
  return `CONCAT(CONVERT(_${charset} X'${kept.toString('hex')}' USING utf8mb4), ${literal(mark)})`;
}

function decodeUtf8(bytes: Buffer, cut: boolean): string | null {
  if (isAscii(bytes)) return bytes.toString('latin1');
  // A cut may fall inside a character of up to four bytes.
  for (let drop = 0; drop <= (cut ? 3 : 0); drop++) {
    try {
      return decoder.decode(bytes.subarray(0, bytes.length - drop));
    } catch {
      continue;
    }
  }
  return null;
}
