import { isAscii } from 'node:buffer';
import { escape } from 'mysql2/promise';

/** Bytes are those of a BLOB. */
export type Value = string | number | Buffer | null;

/** Text that is a literal as it is. */
const PLAIN = /^[\w ,.:;/()=<>@+-]*$/;

/** A value for a statement that we write to the backup server: under `openConnection`'s session and character set. */
export function literal(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(value);
  // As text it is half as long as in digits, to send and to parse.
  return isAscii(value) ? `_binary${quoted(value.toString('latin1'))}` : `X'${value.toString('hex')}'`;
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `'${text}'` : escape(text);
}
