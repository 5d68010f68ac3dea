/** Behind the verb of a statement: what our scripts put there, and as the servers log it (the ! becomes a blank). */
const MARK = /^\s*[A-Za-z]+\s*\/\*[! ]\s?999999 binlog-undo:([0-9a-f]{16}) \*\//;
const LOOKED_AT = 100;

/** The id of the script of ours that a logged statement belongs to; null for everybody else's statements. */
export function scriptIdOf(statement: Buffer): string | null {
  return commentFollowsVerb(statement) ? MARK.exec(statement.toString('latin1', 0, LOOKED_AT))?.[1] ?? null : null;
}

/** What the mark begins with, looked for without making a text of every statement of the source. */
function commentFollowsVerb(statement: Buffer): boolean {
  const end = Math.min(statement.length, LOOKED_AT) - 1;
  let at = 0;
  while (at < end && isSpace(statement[at]!)) at++;
  while (at < end && isLetter(statement[at]!)) at++;
  while (at < end && isSpace(statement[at]!)) at++;
  return at < end && statement[at] === 0x2f && statement[at + 1] === 0x2a;
}

/** As \s has it, in latin1. */
function isSpace(byte: number): boolean {
  return (byte >= 0x09 && byte <= 0x0d) || byte === 0x20 || byte === 0xa0;
}

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}
