/** Everything that `/metrics` shows under our prefix. docs/metrics.md is made from this table. */

export const METRIC_PREFIX = 'binlog_undo_';

interface Described {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Labels besides `source`, and the values each can take: no label takes a name from the data. */
  readonly labels?: Readonly<Record<string, string>>;
  /** When the series is not there. */
  readonly absent?: string;
}

const described = <T extends Readonly<Record<string, Described>>>(table: T): T => table;

export const METRICS = described({
  build_info: { type: 'gauge', help: 'Always 1; says what is running.', labels: { version: 'of binlog-undo', node: 'of Node.js' } },
  source_up: { type: 'gauge', help: '1 while the binlog stream is open, 0 while it is not.', absent: 'before the first attempt has an outcome, and on a standby' },
  leader: { type: 'gauge', help: '1 while this daemon writes the log of the source, else 0.', absent: 'before the lock was asked for' },
  standby: { type: 'gauge', help: '1 while this daemon waits because another one leads, else 0.', absent: 'before the lock was asked for' },
  events_total: { type: 'counter', help: 'Binlog events read, heartbeats among them.', labels: { kind: 'kind of event, as in `binlog/events.ts`' } },
  rows_total: { type: 'counter', help: 'Row changes captured.', labels: { kind: '`insert`, `update`, `delete`' } },
  rows_skipped_total: { type: 'counter', help: 'Row changes that were counted and not stored.', labels: { reason: '`copy`: gh-ost or pt-online-schema-change filled a copy' } },
  transactions_total: { type: 'counter', help: 'Source transactions captured.', labels: { kind: '`plain`, `xa`' } },
  undecodable_events_total: { type: 'counter', help: 'Rows events that could not be read; each leaves a gap.' },
  last_event_timestamp_seconds: { type: 'gauge', help: 'When the last event or heartbeat arrived, by the clock of this machine.', absent: 'before the first one' },
  last_commit_timestamp_seconds: { type: 'gauge', help: 'Commit time, by the clock of the source, of the newest transaction that is durable in the log.', absent: 'while the log is empty' },
  lag_seconds: { type: 'gauge', help: 'From the commit on the source until the log is durable, corrected for the offset between the clocks; 0 when all that the source has is in the log.', absent: 'while the stream is not open or nothing tells yet' },
  queue_bytes: { type: 'gauge', help: 'Memory held by what was read and is not durable yet.', absent: 'while the stream is not open' },
  paused_seconds_total: { type: 'counter', help: 'How long reading was paused because the backup server did not keep up.' },
  store_commit_duration_seconds: { type: 'histogram', help: 'Time to write one batch of the log to the backup server, from BEGIN to the answer of COMMIT.', absent: 'before the first batch' },
  reconnects_total: { type: 'counter', help: 'Sessions that ended by themselves and were begun again from the checkpoint.', labels: { reason: 'the error code in lower case, docs/errors.md' } },
  source_retention_headroom_seconds: { type: 'gauge', help: 'The source keeps its binlog for so much longer than the log is behind. At 0 history may be lost.', absent: 'where binlog files do not expire by age, and before capture has caught up once' },
  gaps_open: { type: 'gauge', help: 'Gaps in the log that nobody has acknowledged.', labels: { reason: 'as in `binlog-undo gaps`' }, absent: 'while the backup server cannot be asked; a reason without gaps has no series, all of them have `reason="none"` with 0' },
  store_bytes: { type: 'gauge', help: 'Size of the ledger with everything in it (all of its sources), or of the goInception tables of this source, as the backup server estimates it.', labels: { part: '`ledger`, `projection`' }, absent: 'while the backup server cannot be asked' },
  projection_backlog_transactions: { type: 'gauge', help: 'Transactions in the log that are not in the goInception tables yet.', absent: 'with the projection off, and while the backup server cannot be asked' },
  kafka_backlog_transactions: { type: 'gauge', help: 'Transactions in the log that Kafka has not acknowledged yet.', absent: 'without Kafka, and while the backup server cannot be asked' },
  kafka_records_total: { type: 'counter', help: 'Records that Kafka has acknowledged, repeated ones among them.', absent: 'without Kafka' },
  kafka_failures_total: { type: 'counter', help: 'Times that sending to Kafka was given up until after a pause.', labels: { reason: 'the error code in lower case, docs/errors.md' } },
});

export type MetricName = keyof typeof METRICS;
