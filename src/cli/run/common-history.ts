import { readBinlog } from '../../source/probe.ts';
import { fileNumber } from '../../core/position.ts';
import { UndoError } from '../../core/errors.ts';
import type { StoredTransaction } from '../../store/log-reader.ts';
import type { BinlogFile, SourceAccess } from './source-access.ts';

/** What the log has of one life of a source's binlog. */
export interface LifeInLog {
  readonly firstOrdinal: number;
  readonly nextOrdinal: number;
  /** The newest transaction of that life with an ordinal up to this one. */
  atOrBefore(ordinal: number): Promise<StoredTransaction | null>;
}

/**
 * The last transaction of the log that this binlog holds too, byte position and identity alike. A server restored from a
 * copy of its data has the begin of its old binlog, which must not be captured once more; one that was reset has nothing
 * of it. Binlogs only grow, so what one has of another is its begin: a binary search finds the end of that.
 */
export async function lastInCommon(source: SourceAccess, files: readonly BinlogFile[], log: LifeInLog): Promise<StoredTransaction | null> {
  let low = log.firstOrdinal;
  let high = log.nextOrdinal - 1;
  let common: StoredTransaction | null = null;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const transaction = await log.atOrBefore(middle);
    if (transaction === null || transaction.ordinal < low) low = middle + 1;
    else if (await holds(source, files, transaction)) {
      common = transaction;
      low = middle + 1;
    } else high = transaction.ordinal - 1;
  }
  return common;
}

async function holds(source: SourceAccess, files: readonly BinlogFile[], { start, end, gtid, statedSeconds }: StoredTransaction): Promise<boolean> {
  const file = files.find((candidate) => candidate.file === start.file);
  // What was purged was there: the search goes on in the files that are left.
  if (!file) return files[0] !== undefined && fileNumber(files[0].file) > fileNumber(start.file);
  if (end.file === start.file && end.offset > file.size) return false;
  const seen = { gtid: false, end: false };
  try {
    await readBinlog(source.endpoint, source.capabilities.flavour, { filename: start.file, position: start.offset }, ({ header, ...event }) => {
      if (event.kind === 'gtid') seen.gtid = header.start === start.offset && event.gtid === gtid;
      if (header.end < end.offset || header.end === header.start) return false;
      seen.end = header.end === end.offset && header.timestamp === statedSeconds;
      return true;
    }, source.signal);
  } catch (error) {
    if (!(error instanceof UndoError) || !['STREAM_REFUSED', 'BINLOG_PURGED', 'EVENT_CORRUPT', 'EVENT_UNSUPPORTED'].includes(error.code)) throw error;
    return false;
  }
  return seen.gtid && seen.end;
}
