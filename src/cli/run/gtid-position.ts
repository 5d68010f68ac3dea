import { GtidSet } from '../../binlog/gtid-set.ts';
import { MariadbGtidPosition } from '../../binlog/mariadb-gtid.ts';
import { UndoError } from '../../core/errors.ts';
import { row, scalar } from '../../core/mysql.ts';
import type { Position } from '../../core/position.ts';
import { currentBinlogPosition } from '../../core/server.ts';
import { readBinlog } from '../../source/probe.ts';
import { listBinlogs, MOST_OFFSET, type SourceAccess } from './source-access.ts';

/** What had been executed before a file position; null where the source keeps no GTIDs. The position must be a group's bound. */
export async function gtidSetAt(source: SourceAccess, position: Position): Promise<string | null> {
  const { control, capabilities, endpoint, signal } = source;
  if (capabilities.flavour === 'mariadb') return scalar<string>(control, 'SELECT BINLOG_GTID_POS(?, ?)', [position.file, position.offset]);
  if (capabilities.gtid !== 'mysql-on') return null;
  // MySQL answers for its newest position only: the file itself says what came before it, and then what is in it.
  const found: { set: GtidSet | null } = { set: null };
  await readBinlog(endpoint, 'mysql', { filename: position.file, position: 4 }, (event) => {
    const { start, end } = event.header;
    if (event.kind === 'previousGtids') found.set = GtidSet.parse(event.gtidSet);
    if (event.kind === 'rotate' && event.to.file !== position.file) return true;
    if (found.set === null) return false;
    if (event.kind === 'gtid' && event.gtid !== null && start < position.offset) found.set.add(event.gtid);
    // The next group would begin here.
    return end >= position.offset && end > start;
  }, signal);
  return found.set === null ? null : String(found.set);
}

/** Where the first group lies that is not in the set, as the server itself finds it; the binlog's end when it has none. */
export async function firstMissing(source: SourceAccess, gtidSet: string): Promise<Position> {
  const { control, capabilities, endpoint, signal } = source;
  const { file, offset } = await currentBinlogPosition(control, capabilities);
  const found: Position[] = [];
  await readBinlog(endpoint, capabilities.flavour, { gtidSet }, (event) => {
    if (event.kind !== 'gtid') return false;
    found.push({ file: event.header.file, offset: event.header.start });
    return true;
  }, signal);
  const [first] = found;
  if (!first) return { file, offset };
  const size = (await listBinlogs(control)).find((candidate) => candidate.file === first.file)?.size ?? 0;
  if (size > MOST_OFFSET) {
    throw new UndoError('SOURCE_NOT_READY', `The first transaction that is missing lies in ${first.file}, which is larger than 4 GiB: where in it, the protocol does not tell.`, {
      fix: 'FLUSH BINARY LOGS on the source, then start from the new file with BINLOG_UNDO_ON_GAP=record.',
    });
  }
  return first;
}

/** Why a server cannot go on from a GTID set, with the transactions that stand in the way; null when it can. */
export async function gtidObstacle(source: SourceAccess, gtidSet: string): Promise<UndoError | null> {
  const { control, capabilities } = source;
  const purged = (missing: string): UndoError => new UndoError('BINLOG_PURGED', `The server has purged transactions that the log does not hold: ${missing}.`);
  const lacks = (missing: string): UndoError => new UndoError('INCARNATION_CHANGED', `The server does not have transactions that the log holds: ${missing}.`);
  if (capabilities.flavour === 'mysql') {
    if (capabilities.gtid !== 'mysql-on') return new UndoError('INCARNATION_CHANGED', 'The server runs without GTIDs (gtid_mode).');
    const state = (await row<{ executed: string; purged: string }>(control, 'SELECT @@global.gtid_executed AS executed, @@global.gtid_purged AS purged'))!;
    const ours = GtidSet.parse(gtidSet);
    const notThere = ours.subtract(GtidSet.parse(state.executed));
    if (!notThere.isEmpty()) return lacks(String(notThere));
    const gone = GtidSet.parse(state.purged).subtract(ours);
    return gone.isEmpty() ? null : purged(String(gone));
  }
  const current = MariadbGtidPosition.parse(await scalar<string>(control, 'SELECT @@global.gtid_current_pos') ?? '');
  const notThere = MariadbGtidPosition.parse(gtidSet).beyond(current);
  if (!notThere.isEmpty()) return lacks(String(notThere));
  try {
    // What it still has of each domain only the server knows.
    await readBinlog(source.endpoint, 'mariadb', { gtidSet }, (event) => event.kind === 'gtid', source.signal);
    return null;
  } catch (error) {
    if (error instanceof UndoError && error.code === 'BINLOG_PURGED') return error;
    if (error instanceof UndoError && error.code === 'STREAM_REFUSED') return new UndoError('INCARNATION_CHANGED', error.message, { cause: error });
    throw error;
  }
}

/** Of the transactions that the log holds, those that this other server has too. */
export async function inCommon(source: SourceAccess, gtidSet: string): Promise<string> {
  const { control, capabilities } = source;
  if (capabilities.flavour === 'mysql') {
    const ours = GtidSet.parse(gtidSet);
    const executed = GtidSet.parse(await scalar<string>(control, 'SELECT @@global.gtid_executed') ?? '');
    return String(ours.subtract(ours.subtract(executed)));
  }
  // One entry for each domain and server, unlike the positions.
  const state = await scalar<string>(control, 'SELECT @@global.gtid_binlog_state') ?? '';
  return String(MariadbGtidPosition.parse(gtidSet).limitedTo(state.split(',').filter((gtid) => gtid !== '')));
}

/** Both together: what has been executed when either has. */
export function joined(flavour: 'mysql' | 'mariadb', a: string, b: string): string {
  return flavour === 'mysql' ? String(GtidSet.parse(a).union(GtidSet.parse(b))) : String(MariadbGtidPosition.parse(a).furthest(MariadbGtidPosition.parse(b)));
}
