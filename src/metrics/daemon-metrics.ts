import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { METRICS, METRIC_PREFIX, type MetricName } from './definitions.ts';
import { Lag } from './lag.ts';
import { StopWatch, Tally } from './tally.ts';

/** What only the running session knows, asked at each scrape. */
export interface StreamView {
  /** Memory held by what was read and is not durable yet. */
  readonly queueBytes: number;
}

/** What the ledger says; null: not known now. A sample is complete or not there at all. */
export interface LedgerSample {
  readonly gaps: Readonly<Record<string, number>>;
  readonly storeBytes: Readonly<Record<'ledger' | 'projection', number>>;
  readonly projectionBacklog: number | null;
  readonly kafkaBacklog: number | null;
}

export type Role = 'leader' | 'standby' | 'none';

type Series = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/** Up to a quarter of a minute: a batch that takes longer than that is an incident by itself. */
const COMMIT_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/**
 * The daemon's metrics. What happens is noted in plain fields; values are put together when somebody scrapes, so that an
 * event costs no more than an addition. What is not known has no series.
 */
export class DaemonMetrics {
  readonly lag: Lag;
  readonly events = new Tally();
  readonly rows = new Tally(['insert', 'update', 'delete']);
  readonly skipped = new Tally(['copy']);
  readonly transactions = new Tally(['plain', 'xa']);
  readonly paused: StopWatch;
  undecodable = 0;
  readonly kafkaFailures = new Tally();
  /** Null: Kafka is not used. */
  kafkaRecords: number | null = null;
  /** Milliseconds since the epoch; null before the first event. */
  lastEvent: number | null = null;
  role: Role | null = null;
  sample: LedgerSample | null = null;
  readonly #reconnects = new Tally();
  readonly #registry = new Registry();
  readonly #source: string;
  readonly #now: () => number;
  readonly #commits: Histogram;
  /** 0: the log is empty. */
  #durableMicros = 0;
  #up: boolean | null = null;
  #view: StreamView | null = null;

  /** @param now milliseconds since the epoch. */
  constructor(source: string, version: string, now: () => number = Date.now) {
    this.#source = source;
    this.#now = now;
    this.lag = new Lag(now);
    this.paused = new StopWatch(now);
    this.#registry.setDefaultLabels({ source });
    collectDefaultMetrics({ register: this.#registry });
    const { help } = METRICS.store_commit_duration_seconds;
    this.#commits = new Histogram({
      name: `${METRIC_PREFIX}store_commit_duration_seconds`, help, buckets: COMMIT_BUCKETS, labelNames: ['source'], registers: [this.#registry],
    });
    const one = (value: number | boolean | null | undefined): Series => (value === null || value === undefined ? [] : [[{}, Number(value)]]);
    const by = (label: string, entries: readonly (readonly [string, number])[]): Series => entries.map(([key, value]) => [{ [label]: key }, value]);
    const seconds = (milliseconds: number | null): number | null => (milliseconds === null || milliseconds === 0 ? null : milliseconds / 1000);
    const series: Readonly<Record<Exclude<MetricName, 'store_commit_duration_seconds'>, () => Series>> = {
      build_info: () => [[{ version, node: process.versions.node }, 1]],
      source_up: () => one(this.#up),
      leader: () => one(this.role && this.role === 'leader'),
      standby: () => one(this.role && this.role === 'standby'),
      events_total: () => by('kind', this.events.entries),
      rows_total: () => by('kind', this.rows.entries),
      rows_skipped_total: () => by('reason', this.skipped.entries),
      transactions_total: () => by('kind', this.transactions.entries),
      undecodable_events_total: () => one(this.undecodable),
      last_event_timestamp_seconds: () => one(seconds(this.lastEvent)),
      last_commit_timestamp_seconds: () => one(seconds(this.#durableMicros / 1000)),
      lag_seconds: () => one(this.lag.seconds),
      queue_bytes: () => one(this.#view?.queueBytes),
      paused_seconds_total: () => one(this.paused.seconds),
      reconnects_total: () => by('reason', this.#reconnects.entries),
      source_retention_headroom_seconds: () => one(this.role === 'standby' ? null : this.lag.headroomSeconds),
      gaps_open: () => (this.sample === null ? [] : by('reason', Object.keys(this.sample.gaps).length === 0 ? [['none', 0]] : Object.entries(this.sample.gaps))),
      store_bytes: () => (this.sample === null ? [] : by('part', Object.entries(this.sample.storeBytes))),
      projection_backlog_transactions: () => one(this.sample?.projectionBacklog),
      kafka_backlog_transactions: () => one(this.sample?.kafkaBacklog),
      kafka_records_total: () => one(this.kafkaRecords),
      kafka_failures_total: () => by('reason', this.kafkaFailures.entries),
    };
    for (const [name, values] of Object.entries(series)) this.#register(name as MetricName, values);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The session streams (with its view), or is over (null). */
  set view(view: StreamView | null) {
    this.#view = view;
    this.lag.open = view !== null;
    if (view !== null) {
      this.#up = true;
      this.role = 'leader';
    } else {
      this.paused.set(false);
      // A session that ended before it led, or that stood by, says nothing about the source.
      if (this.role === 'leader') this.#up = false;
      if (this.role !== null) this.role = 'none';
    }
  }

  /** Another daemon leads. */
  standsBy(): void {
    this.role = 'standby';
    this.#up = null;
  }

  /** A session ended with this error code and another one will be begun. */
  reconnects(code: string): void {
    if (code.startsWith('SOURCE_') || code.startsWith('STREAM_')) this.#up = false;
    this.#reconnects.add(code.toLowerCase());
  }

  /** The log is durable up to a transaction of this commit time (microseconds, the source's clock; 0: there is none). */
  durable(commitMicros: number): void {
    this.#durableMicros = commitMicros;
    this.lag.durable(commitMicros);
  }

  /** One event arrived. @param kind of binlog event. */
  event(kind: string): void {
    this.events.add(kind);
    this.lastEvent = this.#now();
    if (kind === 'heartbeat') this.lag.heartbeat();
  }

  batchWritten(seconds: number): void {
    this.#commits.observe({ source: this.#source }, seconds);
  }

  /** The exposition format of Prometheus. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  #register(name: MetricName, values: () => Series): void {
    const { type, help, labels } = METRICS[name] as (typeof METRICS)[MetricName] & { labels?: Readonly<Record<string, string>> };
    const source = this.#source;
    const settings = { name: METRIC_PREFIX + name, help, labelNames: ['source', ...Object.keys(labels ?? {})], registers: [this.#registry] };
    if (type === 'gauge') {
      new Gauge({ ...settings, collect() {
        this.reset();
        for (const [found, value] of values()) this.set({ source, ...found }, value);
      } });
    } else {
      new Counter({ ...settings, collect() {
        this.reset();
        for (const [found, value] of values()) this.inc({ source, ...found }, value);
      } });
    }
  }
}
