import { METRICS, METRIC_PREFIX } from '../src/metrics/definitions.ts';
import { VERIFY_METRICS } from '../src/metrics/verify-metrics.ts';

interface Described { readonly type: string; readonly help: string; readonly labels?: Readonly<Record<string, string>>; readonly absent?: string }

/** docs/metrics.md: prose around the table that the program itself uses. */
export function metricsPage(made: string, cell: (text: string) => string): string {
  const rowsOf = (metrics: Readonly<Record<string, Described>>): string[] => Object.entries(metrics).map(([name, { type, help, labels, absent }]) => {
    const described = Object.entries(labels ?? {}).map(([label, values]) => `\`${label}\`: ${values}`).join('<br>') || '-';
    return `| \`${METRIC_PREFIX}${name}\` | ${type} | ${cell(help)} | ${cell(described)} | ${cell(absent ?? 'never')} |`;
  });
  return `${[
    '# Metrics',
    '',
    made,
    '',
    '`BINLOG_UNDO_METRICS_PORT` (`metrics.port`) serves `/metrics` in the text format of Prometheus, on a listener of its own at the',
    'address of the HTTP API (`admin.host`) and without a token. Nothing else is served there.',
    '',
    'Every series has the label `source`, the alias of the source. No label takes a name from the data: databases, tables and users',
    'never appear. **What is not known has no series**; it is never shown as 0. So alert on `absent()` where a series must be there, and on',
    '`time() - ..._timestamp_seconds` where something must go on. Beside the series below stand those that `prom-client` collects of',
    'every Node.js process (`process_*`, `nodejs_*`), with the same label. The series that ask the ledger are read every 5 seconds, store',
    'sizes every minute.',
    '',
    'Alert rules: [../deploy/prometheus/alerts.yaml](../deploy/prometheus/alerts.yaml), with unit tests beside them.',
    'What to do about each: [operations.md](operations.md).',
    '',
    '| name | type | meaning | labels besides `source` | not there |',
    '|---|---|---|---|---|',
    ...rowsOf(METRICS),
    '',
    '`binlog-undo verify --metrics-file FILE` is no daemon: it writes its result into a file that the textfile collector of the node exporter reads.',
    '',
    '| name | type | meaning | labels besides `source` | not there |',
    '|---|---|---|---|---|',
    ...rowsOf(VERIFY_METRICS),
  ].join('\n')}\n`;
}
