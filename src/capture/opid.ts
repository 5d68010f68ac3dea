import { fileNumber, type Position } from '../core/position.ts';

/**
 * `<seconds>_<thread>_<file><offset><ordinal>`, at most 50 characters (backup-format: opid_time).
 * A pure function of the binlog, so that capturing the same history again gives the same ids; the sequence is 24 digits
 * wide (file 7, offset of the transaction's first event 11, ordinal 6) and so never meets goInception's own, of 8.
 * @param life lives of the source's binlog before this one: their number leads the sequence, unless it is 0, since file
 *   and offset mean one life only (after a failover both binlogs can have a transaction of the same second at the same place).
 */
export function opidTime(seconds: number, threadId: number, transactionStart: Position, ordinal: number, life: number): string {
  const digits = (value: number, width: number): string => String(value).padStart(width, '0');
  return `${seconds}_${threadId}_${life === 0 ? '' : life}${digits(fileNumber(transactionStart.file), 7)}${digits(transactionStart.offset, 11)}${digits(ordinal, 6)}`;
}
