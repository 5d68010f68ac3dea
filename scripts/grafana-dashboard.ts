/** The Grafana dashboard, for deploy/ and for the chart. generate-docs.ts writes it. */
import { METRIC_PREFIX, type MetricName } from '../src/metrics/definitions.ts';

interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly kind: 'stat' | 'timeseries';
  readonly unit: string;
  readonly width: number;
  readonly queries: readonly Query[];
}

/** A series of the sources that are chosen above. */
const series = (name: MetricName, suffix = ''): string => `${METRIC_PREFIX}${name}${suffix}{source=~"$source"}`;
const rate = (name: MetricName, by: string): string => `sum by (${by}) (rate(${series(name)}[$__rate_interval]))`;
const worst = (name: MetricName): string => `max by (source) (${series(name)})`;
const one = (expr: string, legend = '{{source}}'): Query[] => [{ expr, legend }];

const PANELS: readonly Panel[] = [
  { title: 'Leaders', kind: 'stat', unit: 'none', width: 4, queries: one(`sum by (source) (${series('leader')})`) },
  { title: 'Stream open', kind: 'stat', unit: 'none', width: 4, queries: one(worst('source_up')) },
  { title: 'Lag', kind: 'stat', unit: 's', width: 4, queries: one(worst('lag_seconds')) },
  { title: 'Headroom of the binlog', kind: 'stat', unit: 's', width: 4, queries: one(`min by (source) (${series('source_retention_headroom_seconds')})`) },
  { title: 'Open gaps', kind: 'stat', unit: 'none', width: 4, queries: one(`sum by (source) (max by (source, reason) (${series('gaps_open')}))`) },
  { title: 'Since the last event', kind: 'stat', unit: 's', width: 4, queries: one(`time() - ${worst('last_event_timestamp_seconds')}`) },
  { title: 'Row changes captured', kind: 'timeseries', unit: 'ops', width: 12, queries: [
    ...one(rate('rows_total', 'source, kind'), '{{source}} {{kind}}'), ...one(rate('rows_skipped_total', 'source, reason'), '{{source}} not stored: {{reason}}'),
  ] },
  { title: 'Transactions captured', kind: 'timeseries', unit: 'ops', width: 12, queries: one(rate('transactions_total', 'source'), '{{source}}') },
  { title: 'Lag and time since the last commit in the log', kind: 'timeseries', unit: 's', width: 12, queries: [
    ...one(worst('lag_seconds'), '{{source}} lag'), ...one(`time() - ${worst('last_commit_timestamp_seconds')}`, '{{source}} last commit'),
  ] },
  { title: 'Writing a batch to the backup server', kind: 'timeseries', unit: 's', width: 12, queries: [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (source, le) (rate(${series('store_commit_duration_seconds', '_bucket')}[$__rate_interval])))`, legend: `{{source}} p${quantile * 100}`,
  })) },
  { title: 'Memory that waits for the backup server', kind: 'timeseries', unit: 'bytes', width: 12, queries: one(worst('queue_bytes')) },
  { title: 'Reading paused', kind: 'timeseries', unit: 'percentunit', width: 12, queries: one(rate('paused_seconds_total', 'source')) },
  { title: 'Consumers of the log behind, in transactions', kind: 'timeseries', unit: 'none', width: 12, queries: [
    ...one(worst('projection_backlog_transactions'), '{{source}} goInception tables'), ...one(worst('kafka_backlog_transactions'), '{{source}} Kafka'),
  ] },
  { title: 'Records to Kafka, and failures', kind: 'timeseries', unit: 'ops', width: 12, queries: [
    ...one(rate('kafka_records_total', 'source'), '{{source}} records'), ...one(rate('kafka_failures_total', 'source, reason'), '{{source}} {{reason}}'),
  ] },
  { title: 'Size of the store', kind: 'timeseries', unit: 'bytes', width: 12, queries: one(`max by (source, part) (${series('store_bytes')})`, '{{source}} {{part}}') },
  { title: 'Sessions begun again, and events that could not be read', kind: 'timeseries', unit: 'none', width: 12, queries: [
    ...one(`sum by (source, reason) (increase(${series('reconnects_total')}[$__rate_interval]))`, '{{source}} {{reason}}'),
    ...one(`sum by (source) (increase(${series('undecodable_events_total')}[$__rate_interval]))`, '{{source}} undecodable'),
  ] },
  { title: 'Events read', kind: 'timeseries', unit: 'ops', width: 12, queries: one(rate('events_total', 'source, kind'), '{{source}} {{kind}}') },
  { title: 'Memory of the daemons', kind: 'timeseries', unit: 'bytes', width: 12, queries: one('process_resident_memory_bytes{source=~"$source"}', '{{source}} {{instance}}') },
];

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24;

function placed(): unknown[] {
  let x = 0;
  let y = 0;
  let height = 0;
  return PANELS.map(({ title, kind, unit, width, queries }, index) => {
    if (x + width > COLUMNS) {
      x = 0;
      y += height;
    }
    height = kind === 'stat' ? 4 : 8;
    const gridPos = { x, y, w: width, h: height };
    x += width;
    return {
      id: index + 1, title, type: kind, datasource: DATASOURCE, gridPos, fieldConfig: { defaults: { unit }, overrides: [] },
      targets: queries.map(({ expr, legend }, at) => ({ refId: String.fromCharCode(65 + at), datasource: DATASOURCE, expr, legendFormat: legend })),
    };
  });
}

/** @returns the file's content, for Grafana 10 and later. */
export function grafanaDashboard(): string {
  return `${JSON.stringify({
    uid: 'binlog-undo', title: 'binlog-undo', tags: ['binlog-undo', 'mysql'], schemaVersion: 39, version: 1, editable: true, refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [
      { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' },
      {
        name: 'source', type: 'query', label: 'Source', datasource: DATASOURCE, query: `label_values(${METRIC_PREFIX}build_info, source)`,
        multi: true, includeAll: true, refresh: 2, current: { text: 'All', value: '$__all' },
      },
    ] },
    panels: placed(),
  }, null, 2)}\n`;
}
