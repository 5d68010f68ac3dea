import { isAnchor, type Anchor } from '../../binlog/anchor.ts';
import type { EventHeader } from '../../binlog/events.ts';
import { UndoError, type ErrorCode } from '../../core/errors.ts';
import { fileNumber, formatPosition, type Position } from '../../core/position.ts';
import type { GapReason } from '../../capture/types.ts';
import { readBinlog } from '../../source/probe.ts';
import type { LogStart, StoredCheckpoint } from '../../store/registry.ts';
import { firstMissing, gtidObstacle, gtidSetAt, inCommon, joined } from './gtid-position.ts';
import { lastInCommon, type LifeInLog } from './common-history.ts';
import { listBinlogs, MOST_OFFSET, type BinlogFile, type SourceAccess } from './source-access.ts';
import { requireReadable } from './start-point.ts';

/** How capture goes on from a checkpoint on the server at hand. */
export type Resume =
  /** The life of the binlog that the checkpoint belongs to, from its position. */
  | { readonly kind: 'same' }
  /** The same life; its files up to here are gone, but nothing in them was missing from the log. */
  | { readonly kind: 'moved'; readonly position: Position }
  /** Another server that has all of the log's transactions and those that follow. */
  | { readonly kind: 'failover'; readonly start: LogStart }
  /** History is lost. With a new life: where it begins for the log; without, where the old one goes on. */
  | { readonly kind: 'lost'; readonly error: UndoError; readonly reason: GapReason; readonly newLife: boolean; readonly goOn: () => Promise<LogStart> };

/** What a stream says when a position is not in the binlog it reads, or not at an event. */
const NO_SUCH_PLACE: readonly ErrorCode[] = ['STREAM_REFUSED', 'BINLOG_PURGED', 'EVENT_CORRUPT', 'EVENT_UNSUPPORTED'];

/** Finds out whether this is the binlog that the checkpoint belongs to, and if not, whether another way leads on without loss. */
export async function decideResume(source: SourceAccess, checkpoint: StoredCheckpoint, log: LifeInLog): Promise<Resume> {
  const { capabilities } = source;
  const { incarnation, gtidSet } = checkpoint;
  const sameServer = capabilities.flavour === 'mysql' ? incarnation.serverUuid === capabilities.serverUuid : incarnation.serverId === capabilities.serverId;
  const files = await listBinlogs(source.control);
  if (sameServer) {
    const found = await lifeProblem(source, files, checkpoint);
    if (found === null) return { kind: 'same' };
    if (found.code === 'INCARNATION_CHANGED') return newLife(source, files, checkpoint, found, log);
    if (gtidSet !== null && await gtidObstacle(source, gtidSet) === null) return { kind: 'moved', position: await firstMissing(source, gtidSet) };
    const next = files.find(({ file }) => fileNumber(file) > fileNumber(checkpoint.position.file));
    return {
      kind: 'lost', error: found, reason: 'purged', newLife: false,
      goOn: async () => {
        if (!next) throw found;
        const position = { file: next.file, offset: 4 };
        return { position, gtidSet: await gtidSetAt(source, position), startGtids: null, commitMicros: checkpoint.commitMicros };
      },
    };
  }
  const who = `The checkpoint ${formatPosition(checkpoint.position)} belongs to server ${incarnation.serverUuid ?? incarnation.serverId}, this is ${capabilities.serverUuid ?? capabilities.serverId}`;
  if (gtidSet === null) return newLife(source, files, checkpoint, new UndoError('INCARNATION_CHANGED', `${who}, and without a GTID set the log cannot go on there.`), null);
  const obstacle = await gtidObstacle(source, gtidSet);
  if (obstacle !== null) return newLife(source, files, checkpoint, new UndoError(obstacle.code, `${who}. ${obstacle.message}`, { cause: obstacle }), null);
  return { kind: 'failover', start: { position: await firstMissing(source, gtidSet), gtidSet, startGtids: gtidSet, commitMicros: checkpoint.commitMicros } };
}

/**
 * @param log of the same server: it may have been restored from a copy, and then begins behind what both have. Null: it is
 *   another server, and what both have is told by GTIDs.
 */
function newLife(source: SourceAccess, files: readonly BinlogFile[], checkpoint: StoredCheckpoint, error: UndoError, log: LifeInLog | null): Resume {
  return {
    kind: 'lost', error, reason: error.code === 'BINLOG_PURGED' ? 'purged' : 'incarnation', newLife: true,
    goOn: async () => {
      const [first] = files;
      if (!first) throw new UndoError('SOURCE_NOT_READY', 'The source has no binlog files.');
      const last = log && await lastInCommon(source, files, log);
      const position = last && files.some(({ file }) => file === last.end.file) ? last.end : { file: first.file, offset: 4 };
      const before = await gtidSetAt(source, position);
      // A server that began anew gives out the same GTIDs once more: there they tell nothing.
      const common = log === null && checkpoint.gtidSet !== null ? await inCommon(source, checkpoint.gtidSet) : null;
      const gtidSet = before !== null && common !== null ? joined(source.capabilities.flavour, before, common) : before;
      return { position, gtidSet, startGtids: common, commitMicros: checkpoint.commitMicros };
    },
  };
}

/** What tells that the checkpoint cannot be gone on from on its own server; null when it can. */
async function lifeProblem(source: SourceAccess, files: readonly BinlogFile[], checkpoint: StoredCheckpoint): Promise<UndoError | null> {
  const { position, anchor, gtidSet } = checkpoint;
  try {
    requireReadable(files, position);
  } catch (error) {
    if (error instanceof UndoError) return error;
    throw error;
  }
  // Without one nothing was read yet; and the file whose end it is may be gone by now, with the next one complete.
  if (anchor !== null && files.some(({ file }) => file === anchor.file)) {
    const problem = await anchorProblem(source, anchor);
    if (problem) return problem;
  }
  if (position.offset <= MOST_OFFSET || gtidSet !== null) return null;
  return new UndoError('SOURCE_NOT_READY', `The checkpoint ${formatPosition(position)} lies beyond 4 GiB, where a dump without GTIDs cannot start.`, {
    fix: 'FLUSH BINARY LOGS on the source and start again with BINLOG_UNDO_ON_GAP=record: the rest of that file becomes a gap.',
  });
}

/** Looks at the event that ended at the checkpoint once more. Beyond 4 GiB only at its file's begin. */
async function anchorProblem(source: SourceAccess, anchor: Anchor): Promise<UndoError | null> {
  const reachable = anchor.start <= MOST_OFFSET;
  const seen: { created: number | null; event: EventHeader | null; refusal: UndoError | null } = { created: null, event: null, refusal: null };
  try {
    await readBinlog(source.endpoint, source.capabilities.flavour, { filename: anchor.file, position: reachable ? anchor.start : 4 }, (event) => {
      const { header } = event;
      if (event.kind === 'format') seen.created = header.timestamp;
      if (header.end > header.start) seen.event = header;
      return seen.event !== null;
    }, source.signal);
  } catch (error) {
    if (!(error instanceof UndoError) || !NO_SUCH_PLACE.includes(error.code)) throw error;
    seen.refusal = error;
  }
  source.signal.throwIfAborted();
  const sameFile = anchor.created === null || seen.created === anchor.created;
  if (sameFile && (!reachable || (seen.event !== null && isAnchor(seen.event, anchor)))) return null;
  // Damage in a file that is the one we read must not pass for another life of the server.
  if (seen.refusal?.code === 'EVENT_CORRUPT' && anchor.created !== null && sameFile) throw seen.refusal;
  const begun = (seconds: number | null): string => (seconds === null ? 'an unknown time' : new Date(seconds * 1000).toISOString());
  const expected = `the event of ${anchor.end - anchor.start} bytes that ended at ${anchor.file}:${anchor.end}${anchor.crc === null ? '' : ` (CRC32 ${anchor.crc})`} in a file begun at ${begun(anchor.created)}`;
  const found = seen.event === null || !reachable
    ? seen.refusal?.message ?? 'no event there'
    : `one of ${seen.event.end - seen.event.start} bytes (CRC32 ${seen.event.crc})`;
  return new UndoError('INCARNATION_CHANGED',
    `The binlog of the source is not the one that the checkpoint belongs to: expected ${expected}, found ${found} in a file begun at ${begun(seen.created)}. `
    + 'It was reset, restored, or begun anew.');
}
