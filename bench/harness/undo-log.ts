import { randomBytes } from 'node:crypto';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { RunningServer } from '../../deploy/provision/index.ts';
import { comparePositions, formatPosition } from '../../src/core/position.ts';
import { Daemon, serverEnvironment } from '../../test/support/daemon.ts';
import { until } from '../../test/support/until.ts';
import { processorSeconds } from './process-time.ts';
import type { Stretch } from './workload.ts';

export interface LogRun {
  /** Seconds until the checkpoint stood at the end of the stretch. */
  readonly captured: number;
  /** Until the goInception tables held it too; with the projection on. */
  readonly projected: number | null;
  /** Processor seconds of the daemon and of the backup server meanwhile. */
  readonly daemonCpu: number;
  readonly backupCpu: number;
  /** The most memory that the daemon has held, in MiB. */
  readonly peakMiB: number;
}

export interface UndoLog {
  readonly ledger: string;
  readonly alias: string;
}

const SECONDS = 900;

/** A daemon with a new ledger that starts where the stretch begins, as after an outage; timed from its first read to the stretch's end. */
export async function catchUp(
  source: RunningServer, backup: RunningServer, log: Connection, stretch: Stretch, projection: boolean,
): Promise<{ readonly run: LogRun; readonly undoLog: UndoLog }> {
  const alias = `b${randomBytes(3).toString('hex')}`;
  const undoLog: UndoLog = { alias, ledger: `ledger_${alias}` };
  await using daemon = await Daemon.start({
    ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup),
    BINLOG_UNDO_SOURCE_ALIAS: alias, BINLOG_UNDO_LEDGER: undoLog.ledger, BINLOG_UNDO_PROJECTION_ENABLED: String(projection),
    BINLOG_UNDO_START_POSITION: `${stretch.from.file}:${stretch.from.offset}`,
  });
  const [since, backupBefore] = [performance.now(), processorSeconds(backup.pid)];
  const elapsed = (): number => (performance.now() - since) / 1000;
  await until(`the log reaches ${formatPosition(stretch.to)}`, async () => {
    if (!daemon.running) throw new Error(`the daemon ended: ${daemon.text.join(' ')}`);
    const [state] = await rows(log, `SELECT file, file_offset AS place FROM \`${undoLog.ledger}\`.checkpoints`);
    return state && comparePositions({ file: String(state.file), offset: Number(state.place) }, stretch.to) >= 0;
  }, SECONDS);
  const captured = elapsed();
  let projected: number | null = null;
  if (projection) {
    await until('the projection has caught up', async () => {
      const [state] = await rows(log, `SELECT c.ordinal = k.next_ordinal AS done FROM \`${undoLog.ledger}\`.checkpoints k JOIN \`${undoLog.ledger}\`.cursors c USING (source_id) WHERE c.consumer = 'projection'`);
      return Number(state?.done ?? 0) === 1;
    }, SECONDS);
    projected = elapsed();
  }
  const run = {
    captured, projected, daemonCpu: processorSeconds(daemon.pid), backupCpu: processorSeconds(backup.pid) - backupBefore, peakMiB: daemon.peakMemory() / 2 ** 20,
  };
  await daemon.stop();
  return { run, undoLog };
}

/** Removes a ledger and the goInception databases that were written beside it. */
export async function dropLog(log: Connection, { ledger }: UndoLog): Promise<void> {
  for (const { name } of await rows(log, `SELECT backup_database AS name FROM \`${ledger}\`.claims`)) await log.query(`DROP DATABASE IF EXISTS \`${String(name)}\``);
  await log.query(`DROP DATABASE IF EXISTS \`${ledger}\``);
}

export async function rows(connection: Connection, sql: string): Promise<Record<string, string | number | null>[]> {
  const [found] = await connection.query<(RowDataPacket & Record<string, string | number | null>)[]>(sql);
  return found;
}

/** Bytes of every table of these databases, indexes included, as the server's files hold them after a clean end of writing. */
export async function bytesOf(log: Connection, databases: readonly string[]): Promise<number> {
  const list = databases.map((name) => `'${name}'`).join(',');
  for (const { s, t } of await rows(log, `SELECT table_schema AS s, table_name AS t FROM information_schema.tables WHERE table_schema IN (${list}) AND table_type = 'BASE TABLE'`)) {
    await log.query(`ANALYZE TABLE \`${String(s)}\`.\`${String(t)}\``);
  }
  await log.query('SET SESSION information_schema_stats_expiry = 0').catch(() => undefined);
  const [found] = await rows(log, `SELECT COALESCE(SUM(data_length + index_length), 0) AS bytes FROM information_schema.tables WHERE table_schema IN (${list})`);
  return Number(found!.bytes);
}
