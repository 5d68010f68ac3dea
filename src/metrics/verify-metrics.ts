import { Gauge, Registry } from 'prom-client';
import { METRIC_PREFIX } from './definitions.ts';

/** What `binlog-undo verify --metrics-file` writes. docs/metrics.md is made from this table. */
export const VERIFY_METRICS = {
  verify_timestamp_seconds: { type: 'gauge', help: 'When verify ended with a result, by the clock of its machine.', labels: {}, absent: 'never' },
  verify_compared: {
    type: 'gauge', help: 'What the last verify compared.', labels: { what: '`transactions`, `operations`, `rows`; `looks` at rows of the sample' }, absent: 'what was not asked for',
  },
  verify_differences: {
    type: 'gauge', help: 'Differences that it found.', labels: { kind: '`missing`, `extra`, `different`; `live` of the sample' }, absent: 'what was not asked for',
  },
} as const;

export interface VerifyMeasured {
  readonly compared: Readonly<Record<string, number>>;
  readonly differences: Readonly<Record<string, number>>;
}

/** The exposition format of Prometheus. */
export function renderVerifyMetrics(source: string, { compared, differences }: VerifyMeasured, now: () => number = Date.now): Promise<string> {
  const registry = new Registry();
  const gauge = (name: keyof typeof VERIFY_METRICS): Gauge => new Gauge({
    name: METRIC_PREFIX + name, help: VERIFY_METRICS[name].help, labelNames: ['source', ...Object.keys(VERIFY_METRICS[name].labels)], registers: [registry],
  });
  gauge('verify_timestamp_seconds').set({ source }, now() / 1000);
  const [ofCompared, ofDifferences] = [gauge('verify_compared'), gauge('verify_differences')];
  for (const [what, count] of Object.entries(compared)) ofCompared.set({ source, what }, count);
  for (const [kind, count] of Object.entries(differences)) ofDifferences.set({ source, kind }, count);
  return registry.metrics();
}
