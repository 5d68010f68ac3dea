import { formatPosition } from '../core/position.ts';
import type { StoredTransaction } from '../store/log-reader.ts';

export const CONNECTOR = 'binlog-undo';

/** What all records of one table in one transaction share. */
export interface SourceFacts {
  /** The GTID, else the incarnation and the place of the transaction: the begin of every dedup id. */
  readonly identity: string;
  readonly transaction: string;
  /** Debezium's `source`, without `pos`, `row` and `query`, which belong to a row. */
  readonly source: Readonly<Record<string, string | number | null>>;
}

export function sourceFacts(version: string, alias: string, transaction: StoredTransaction, schema: string | null, table: string | null): SourceFacts {
  const { gtid, commitMicros, serverId, threadId, rowsFile, incarnationId, end } = transaction;
  const place = formatPosition(end);
  return {
    identity: gtid ?? `${incarnationId}:${place}`,
    transaction: gtid ?? place,
    source: {
      version, connector: CONNECTOR, name: alias, ts_ms: Math.floor(commitMicros / 1000), ts_us: commitMicros, db: schema, table,
      server_id: serverId, gtid, file: rowsFile, thread: threadId === 0 ? null : threadId,
    },
  };
}
