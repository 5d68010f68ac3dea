import type { Connection } from 'mysql2/promise';
import type { StartPosition } from '../../config/formats.ts';
import { UndoError } from '../../core/errors.ts';
import { rows, serverErrorNumber } from '../../core/mysql.ts';
import { comparePositions, fileBase, formatPosition, type Position } from '../../core/position.ts';
import { currentBinlogPosition } from '../../core/server.ts';
import type { LogStart } from '../../store/registry.ts';
import { firstMissing, gtidObstacle, gtidSetAt } from './gtid-position.ts';
import { listBinlogs, type BinlogFile, type SourceAccess } from './source-access.ts';

/** ER_ERROR_WHEN_EXECUTING_COMMAND: what SHOW BINLOG EVENTS gives for bytes that are no event. */
const ERROR_WHEN_EXECUTING_COMMAND = 1220;

/** Turns the configured start into the first checkpoint of a source. */
export async function resolveStart(source: SourceAccess, start: StartPosition): Promise<LogStart> {
  const { control, capabilities } = source;
  const at = async (position: Position): Promise<LogStart> => ({ position, gtidSet: await gtidSetAt(source, position), startGtids: null, commitMicros: 0 });
  switch (start.kind) {
    case 'latest': {
      const end = await currentBinlogPosition(control, capabilities);
      return { position: { file: end.file, offset: end.offset }, gtidSet: end.gtid, startGtids: null, commitMicros: 0 };
    }
    case 'earliest': {
      const [first] = await listBinlogs(control);
      if (!first) throw new UndoError('SOURCE_NOT_READY', 'The source has no binlog files.');
      return at({ file: first.file, offset: 4 });
    }
    case 'position': {
      const { file, offset } = start.position;
      const files = await listBinlogs(control);
      requireReadable(files, start.position);
      if (files.some((candidate) => candidate.file === file && candidate.size > offset)) await requireBoundary(control, start.position);
      return at(start.position);
    }
    case 'gtid': {
      if (capabilities.gtid === 'mysql-off') {
        throw new UndoError('CONFIG_INVALID', `startPosition is a GTID set, but the source runs with gtid_mode=OFF.`);
      }
      const obstacle = await gtidObstacle(source, start.set);
      if (obstacle?.code === 'BINLOG_PURGED') throw obstacle;
      // Behind the first that is missing, the file may hold some that the set names.
      return { position: await firstMissing(source, start.set), gtidSet: start.set, startGtids: start.set, commitMicros: 0 };
    }
  }
}

/** Events that stand between transactions, or begin one, as SHOW BINLOG EVENTS names them. */
const BETWEEN = /gtid|format_desc|rotate|stop|binlog_checkpoint|start_encryption/i;

/**
 * A start before the end of a file that is no event's first byte, or lies inside a transaction, would lose what begins there.
 * @throws UndoError POSITION_INVALID.
 */
async function requireBoundary(control: Connection, position: Position): Promise<void> {
  const refuse = (what: string): never => {
    throw new UndoError('POSITION_INVALID', `${formatPosition(position)} ${what}.`, {
      fix: `Take a position between two transactions, as SHOW BINLOG EVENTS IN '${position.file}' lists them, or start the file at ${position.file}:4.`,
    });
  };
  const [event] = await rows<{ Pos: string | number; Event_type: string }>(
    control, 'SHOW BINLOG EVENTS IN ? FROM ? LIMIT 1', [position.file, position.offset],
  ).catch((error: unknown) => {
    if (serverErrorNumber(error) === ERROR_WHEN_EXECUTING_COMMAND) return refuse('is not where an event begins');
    throw error;
  });
  // Behind the begin of its last event MySQL shows nothing.
  if (!event || Number(event.Pos) !== position.offset) return refuse('is not where an event begins');
  if (!BETWEEN.test(event.Event_type)) refuse(`lies inside a transaction (${event.Event_type})`);
}

/** @throws UndoError BINLOG_PURGED, INCARNATION_CHANGED when the stream cannot start there. */
export function requireReadable(files: readonly BinlogFile[], position: Position): void {
  const file = files.find((candidate) => candidate.file === position.file);
  const oldest = files[0];
  if (!file) {
    if (oldest && fileBase(oldest.file) === fileBase(position.file) && comparePositions({ file: oldest.file, offset: 0 }, position) > 0) {
      throw new UndoError('BINLOG_PURGED', `The source's oldest binlog file is ${oldest.file}; ${formatPosition(position)} is gone.`);
    }
    throw new UndoError('INCARNATION_CHANGED', `The source has no binlog file ${position.file}; its newest is ${files.at(-1)?.file ?? 'none'}.`);
  }
  if (position.offset > file.size) {
    throw new UndoError('INCARNATION_CHANGED', `${position.file} is ${file.size} bytes long on the source; ${formatPosition(position)} does not exist.`);
  }
}
