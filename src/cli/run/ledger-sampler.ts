import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { Config } from '../../config/config.ts';
import { openConnection, row, rows, scalar } from '../../core/mysql.ts';
import { FANOUT } from '../../fanout/fanout.ts';
import type { DaemonMetrics, LedgerSample } from '../../metrics/daemon-metrics.ts';
import { PROJECTION } from '../../projection/projector.ts';
import { Ledger } from '../../store/ledger.ts';

const EVERY_MS = 5000;
/** The size of all tables is dear where there are many. */
const SIZE_EVERY = 12;

/**
 * Reads from the ledger, until the signal, what the daemon's own life does not tell: gaps, sizes, how far the consumers of the
 * log are. On a connection of its own, so that it shows them also while the source is away or another daemon leads.
 */
export async function sampleLedger(config: Config<'source' | 'backup'>, metrics: DaemonMetrics, signal: AbortSignal): Promise<void> {
  let connection: Connection | null = null;
  let size: LedgerSample['storeBytes'] | null = null;
  for (let round = 0; !signal.aborted; round++) {
    try {
      connection ??= await open(config);
      const source = await findSource(connection, config);
      if (source !== null && (size === null || round % SIZE_EVERY === 0)) size = await storeBytes(connection, source);
      metrics.sample = source === null || size === null ? null : await sample(connection, source, size, config);
    } catch {
      // The session tells why; here it only means that nothing is known.
      metrics.sample = null;
      connection?.destroy();
      connection = null;
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  connection?.destroy();
}

interface KnownSource {
  readonly ledger: Ledger;
  readonly id: number;
}

async function open(config: Config<'source' | 'backup'>): Promise<Connection> {
  const connection = await openConnection(config.backup.endpoint);
  // MySQL keeps table sizes for a day otherwise; MariaDB has no such variable, and no such cache.
  await connection.query('SET SESSION information_schema_stats_expiry = 0').catch(() => undefined);
  return connection;
}

/** Null: the log of this source has not been begun. */
async function findSource(connection: Connection, config: Config<'source' | 'backup'>): Promise<KnownSource | null> {
  const ledger = new Ledger(config.ledger);
  const id = await scalar<string | number>(connection, `SELECT id FROM ${ledger.table('sources')} WHERE alias = ?`, [config.source.alias]);
  return id === null ? null : { ledger, id: Number(id) };
}

async function sample(connection: Connection, { ledger, id }: KnownSource, size: LedgerSample['storeBytes'], config: Config): Promise<LedgerSample> {
  const gaps = await rows<{ reason: string; open_gaps: string }>(connection,
    `SELECT reason, COUNT(*) AS open_gaps FROM ${ledger.table('gaps')} WHERE source_id = ? AND acknowledged IS NULL GROUP BY reason`, [id]);
  return {
    gaps: Object.fromEntries(gaps.map((gap) => [gap.reason, Number(gap.open_gaps)])),
    storeBytes: size,
    projectionBacklog: config.projection.enabled ? await backlog(connection, ledger, id, PROJECTION) : null,
    kafkaBacklog: config.kafka === null ? null : await backlog(connection, ledger, id, FANOUT),
  };
}

/** Transactions that a consumer of the log has before it; null: it has never run. */
async function backlog(connection: Connection, ledger: Ledger, sourceId: number, consumer: string): Promise<number | null> {
  const found = await row<{ behind: string }>(connection,
    `SELECT CAST(k.next_ordinal AS SIGNED) - CAST(c.ordinal AS SIGNED) AS behind FROM ${ledger.table('checkpoints')} k
     JOIN ${ledger.table('cursors')} c ON c.source_id = k.source_id AND c.consumer = ? WHERE k.source_id = ?`, [consumer, sourceId]);
  return found === null ? null : Math.max(0, Number(found.behind));
}

async function storeBytes(connection: Connection, { ledger, id }: KnownSource): Promise<LedgerSample['storeBytes']> {
  const claims = await rows<{ name: string }>(connection, `SELECT backup_database AS name FROM ${ledger.table('claims')} WHERE source_id = ?`, [id]);
  return { ledger: await schemaBytes(connection, [ledger.name]), projection: await schemaBytes(connection, claims.map(({ name }) => name)) };
}

async function schemaBytes(connection: Connection, schemas: readonly string[]): Promise<number> {
  if (schemas.length === 0) return 0;
  return Number(await scalar<string>(connection,
    `SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema IN (${schemas.map(() => '?').join(', ')})`, schemas));
}
