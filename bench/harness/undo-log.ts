import { randomBytes } from 'node:crypto';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { RunningServer } from '../../deploy/provision/index.ts';
import { comparePositions, formatPosition } from '../../src/core/position.ts';
import { Daemon, serverEnvironment } from '../../test/support/daemon.ts';
import { until } from '../../test/support/until.ts';
import { processorSeconds } from './process-time.ts';
import type { Stretch } from './workload.ts';

/** What the daemon writes beside the log: nothing, goInception's row for each change, or rows of many statements (`projection.pack`). */
export type Tables = 'none' | 'plain' | 'packed';

/** Statements in a row of a packed table. */
export const PACK = 50;

export interface LogRun {
  /** Seconds until the checkpoint stood at the end of the stretch. */
  readonly captured: number;
  /** Until the goInception tables held it too; with the projection on. */
  readonly projected: number | null;
  /** How the tables were written, as the backup server counted it. */
  readonly way: 'LOAD DATA' | 'INSERT';
  /** Processor seconds of the daemon and of the backup server meanwhile. */
  readonly daemonCpu: number;
  readonly backupCpu: number;
  /** The most memory that the daemon has held. */
  readonly peakMB: number;
}

export interface UndoLog {
  readonly ledger: string;
  readonly alias: string;
}

const SECONDS = 900;

/**
 * A daemon that goes on with a ledger where the stretch begins, as after an outage; timed from its first read to the stretch's end.
 * @param undoLog default: a new one.
 */
export async function catchUp(
  source: RunningServer, backup: RunningServer, log: Connection, stretch: Stretch, tables: Tables, undoLog = newLog(),
): Promise<{ readonly run: LogRun; readonly undoLog: UndoLog }> {
  const loadsBefore = await loads(log);
  await using daemon = await Daemon.start({
    ...serverEnvironment('SOURCE', source), ...serverEnvironment('BACKUP', backup),
    BINLOG_UNDO_SOURCE_ALIAS: undoLog.alias, BINLOG_UNDO_LEDGER: undoLog.ledger, BINLOG_UNDO_PROJECTION_ENABLED: String(tables !== 'none'),
    BINLOG_UNDO_PROJECTION_PACK: String(tables === 'packed' ? PACK : 1),
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
  if (tables !== 'none') {
    await until('the projection has caught up', async () => {
      const [state] = await rows(log, `SELECT c.ordinal = k.next_ordinal AS done FROM \`${undoLog.ledger}\`.checkpoints k JOIN \`${undoLog.ledger}\`.cursors c USING (source_id) WHERE c.consumer = 'projection'`);
      return Number(state?.done ?? 0) === 1;
    }, SECONDS);
    projected = elapsed();
  }
  const run: LogRun = {
    captured, projected, way: await loads(log) > loadsBefore ? 'LOAD DATA' : 'INSERT', daemonCpu: processorSeconds(daemon.pid), backupCpu: processorSeconds(backup.pid) - backupBefore, peakMB: daemon.peakMemory() / 1e6,
  };
  await daemon.stop();
  return { run, undoLog };
}

function newLog(): UndoLog {
  const alias = `b${randomBytes(3).toString('hex')}`;
  return { alias, ledger: `ledger_${alias}` };
}

/** LOAD DATA statements that the server has run so far. */
async function loads(log: Connection): Promise<number> {
  const [found] = await rows(log, "SHOW GLOBAL STATUS LIKE 'Com_load'");
  return Number(found!.Value);
}

/** The goInception table of `bench.t`, quoted. */
export async function undoTable(log: Connection, { ledger }: UndoLog): Promise<string> {
  const [claim] = await rows(log, `SELECT backup_database AS name FROM \`${ledger}\`.claims WHERE schema_name = 'bench'`);
  return `\`${String(claim!.name)}\`.t`;
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
