/** Behind the verb of a statement: what our scripts put there, and as the servers log it (the ! becomes a blank). */
const MARK = /^\s*[A-Za-z]+\s*\/\*[! ]\s?999999 binlog-undo:([0-9a-f]{16}) \*\//;
const WORD = Buffer.from('binlog-undo:');
const LOOKED_AT = 100;

/** The id of the script of ours that a logged statement belongs to; null for everybody else's statements. */
export function scriptIdOf(statement: Buffer): string | null {
  const head = statement.subarray(0, LOOKED_AT);
  return head.includes(WORD) ? MARK.exec(head.toString('latin1'))?.[1] ?? null : null;
}
