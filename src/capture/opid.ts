import { fileNumber, type Position } from '../core/position.ts';

const ZEROS = '00000000000';
/** What came first in the opid given last, and of what: most often the same session goes on in the same second. */
let last = { seconds: -1, threadId: -1, file: '', life: -1, head: '' };

/**
 * `<seconds>_<thread>_<file><offset><ordinal>`, at most 50 characters (backup-format: opid_time).
 * A pure function of the binlog, so that capturing the same history again gives the same ids; the sequence is 24 digits
 * wide (file 7, offset of the transaction's first event 11, ordinal 6) and so never meets goInception's own, of 8.
 * @param life lives of the source's binlog before this one: their number leads the sequence, unless it is 0, since file
 *   and offset mean one life only (after a failover both binlogs can have a transaction of the same second at the same place).
 */
export function opidTime(seconds: number, threadId: number, transactionStart: Position, ordinal: number, life: number): string {
  const { file, offset } = transactionStart;
  if (seconds !== last.seconds || threadId !== last.threadId || file !== last.file || life !== last.life) {
    last = { seconds, threadId, file, life, head: `${seconds}_${threadId}_${life === 0 ? '' : life}${digits(fileNumber(file), 7)}` };
  }
  return last.head + digits(offset, 11) + digits(ordinal, 6);
}

/** `padStart` takes three times as long, and there are three of them for each operation. */
function digits(value: number, width: number): string {
  const text = String(value);
  return text.length < width ? ZEROS.slice(text.length - width) + text : text;
}
