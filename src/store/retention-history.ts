import type { Connection } from 'mysql2/promise';
import { run, scalar } from '../core/mysql.ts';
import type { Ledger } from './ledger.ts';

/** How much of the history of plans and scripts stays. Null: no such bound. */
export interface HistoryBounds {
  /** Entries that began before this go; microseconds. */
  readonly beforeMicros: number | null;
  /** The newest so many stay. */
  readonly entries: number | null;
}

const AT_ONCE = 1000;
/** A writer gives a sign of life every second: without one for so long it is gone. */
const DEAD_AFTER = 'INTERVAL 1 HOUR';

const NEVER = '9999-12-31 00:00:00';

/** DATETIME(6) in UTC. */
const datetime = (micros: number): string =>
  `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19).replace('T', ' ')}.${String(((micros % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, '0')}`;

/**
 * Removes plans and scripts from the history of a ledger, of all its sources, but none that is still being written.
 * @returns how many went; with `dryRun` how many would.
 */
export async function purgeHistory(connection: Connection, ledger: Ledger, bounds: HistoryBounds, dryRun: boolean, signal: AbortSignal): Promise<number> {
  const table = ledger.table('scripts');
  const cut = await historyCut(connection, ledger, bounds);
  if (cut === null) return 0;
  const over = `started < ? AND (ended IS NOT NULL OR touched < UTC_TIMESTAMP(6) - ${DEAD_AFTER})`;
  if (dryRun) return Number(await scalar<string>(connection, `SELECT COUNT(*) FROM ${table} WHERE ${over}`, [cut]));
  let removed = 0;
  while (!signal.aborted) {
    const { affectedRows } = await run(connection, `DELETE FROM ${table} WHERE ${over} ORDER BY started, id LIMIT ${AT_ONCE}`, [cut]);
    removed += affectedRows;
    if (affectedRows < AT_ONCE) break;
  }
  return removed;
}

/** What began before this time goes, as DATETIME; null: nothing. */
async function historyCut(connection: Connection, ledger: Ledger, { beforeMicros, entries }: HistoryBounds): Promise<string | null> {
  const byAge = beforeMicros === null ? null : datetime(beforeMicros);
  const oldestKept = entries === null ? null
    : entries === 0 ? NEVER
    : await scalar<string>(connection, `SELECT started FROM ${ledger.table('scripts')} ORDER BY started DESC, id DESC LIMIT 1 OFFSET ${entries - 1}`);
  return [byAge, oldestKept].filter((bound) => bound !== null).sort().at(-1) ?? null;
}
