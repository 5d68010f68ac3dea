import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { RunningServer } from '../../../deploy/provision/index.ts';
import { quoteName } from '../../../src/core/identifiers.ts';
import { comparePositions, formatPosition, type Position } from '../../../src/core/position.ts';
import { ask, using, type Row } from '../../faults/support/world.ts';
import { until } from '../../support/until.ts';
import type { Camp } from './camp.ts';

/** One capture of a source: a ledger and the name that the source has in it. */
export interface Capture {
  readonly ledger: string;
  readonly alias: string;
}

/** A connection to the backup server, in the ledger. */
export function inLedger<T>(backup: RunningServer, ledger: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  return using(backup, async (connection) => {
    await connection.query(`USE ${quoteName(ledger)}`);
    return work(connection);
  });
}

export async function query(connection: Connection, sql: string, parameters: readonly (string | number)[]): Promise<Row[]> {
  const [rows] = await connection.query<(Row & RowDataPacket)[]>(sql, [...parameters]);
  return rows;
}

/** The end of a source's binlog now. */
export async function binlogEnd(source: RunningServer): Promise<Position> {
  const [status] = await ask(source, source.flavour === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS');
  return { file: String(status?.File), offset: Number(status?.Position) };
}

/** Without any progress for so long, something hangs: a backlog itself may take a multiple of it on a busy machine. */
const HANG_SECONDS = 600;

/** Waits until all that the source has committed by now is in the log and in the backup tables. */
export async function caughtUp(camp: Pick<Camp, 'source' | 'failure'>, backup: RunningServer, { ledger, alias }: Capture): Promise<void> {
  const target = await binlogEnd(camp.source);
  for (let reached = 'nothing'; ;) {
    const before = reached;
    const done = await until(`the log of ${alias} goes on from ${before} to ${formatPosition(target)}`, async () => {
      if (camp.failure !== null) throw new Error(camp.failure);
      const [state] = await inLedger(backup, ledger, (connection) => query(connection,
        `SELECT k.file, k.file_offset, k.next_ordinal, COALESCE(c.ordinal, 1) AS projected, c.block FROM sources s JOIN checkpoints k ON k.source_id = s.id
         LEFT JOIN cursors c ON c.source_id = s.id WHERE s.alias = ?`, [alias])).catch(() => []);
      if (state === undefined) return false;
      const position = { file: String(state.file), offset: Number(state.file_offset) };
      if (comparePositions(position, target) >= 0 && Number(state.projected) === Number(state.next_ordinal)) return 'all';
      reached = `${formatPosition(position)}, projected to ${String(state.projected)}/${String(state.block)}`;
      return reached !== before && 'more';
    }, HANG_SECONDS);
    if (done === 'all') return;
  }
}
