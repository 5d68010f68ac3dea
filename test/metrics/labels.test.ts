import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CapturedOperation, CapturedTransaction, CaptureSink } from '../../src/capture/types.ts';
import { MeasuredSink } from '../../src/cli/run/measured-sink.ts';
import { DaemonMetrics } from '../../src/metrics/daemon-metrics.ts';
import { METRIC_PREFIX } from '../../src/metrics/definitions.ts';
import { parseExposition } from './prometheus.ts';

const nothing = (): undefined => undefined;
/** Takes everything; what it is handed has been counted before. */
const SINK = { commit: nothing, spill: nothing } as unknown as CaptureSink;

/** One change in each of so many tables, each in a transaction of its own, with a gap: as capture hands them over. */
function capture(sink: MeasuredSink, tables: number): void {
  for (let i = 0; i < tables; i++) {
    const operation = { schema: `schema_${i % 100}`, table: `table_${i}`, inserted: 1, updated: 2, deleted: 3 } as CapturedOperation;
    const gap = { reason: 'unreadable-rows', schema: operation.schema, table: operation.table };
    sink.commit({ operations: [operation], gaps: [gap], spilled: false, commitMicros: i + 1 } as unknown as CapturedTransaction);
  }
}

async function seriesAfter(tables: number): Promise<Map<string, number>> {
  const metrics = new DaemonMetrics('shop', '0');
  capture(new MeasuredSink(SINK, metrics), tables);
  const found = parseExposition(await metrics.render());
  return new Map([...found].filter(([name]) => name.startsWith(METRIC_PREFIX)).flatMap(([name, samples]) => samples.map(({ labels, value }) => [`${name} ${JSON.stringify(labels)}`, value])));
}

it('changes in 10,000 tables of 100 schemas make the same series as changes in one', async () => {
  const [one, many] = [await seriesAfter(1), await seriesAfter(10_000)];
  assert.deepEqual([...many.keys()], [...one.keys()]);
  const rows = (kind: string): number | undefined => [...many].find(([name]) => name.startsWith('binlog_undo_rows_total') && name.includes(`"${kind}"`))?.[1];
  assert.deepEqual(['insert', 'update', 'delete'].map(rows), [10_000, 20_000, 30_000]);
});

it('rows of copies that online schema changes fill are counted by themselves', async () => {
  const metrics = new DaemonMetrics('shop', '0');
  const operation = { schema: 's', table: '_t_gho', inserted: 5, updated: 0, deleted: 2, copy: { schema: 's', table: '_t_gho', of: 't', kind: 'copy' } } as CapturedOperation;
  new MeasuredSink(SINK, metrics).commit({ operations: [operation], gaps: [], spilled: false, commitMicros: 1 } as unknown as CapturedTransaction);
  const found = parseExposition(await metrics.render());
  assert.deepEqual(found.get('binlog_undo_rows_skipped_total')?.map(({ labels, value }) => [labels.reason, value]), [['copy', 7]]);
  assert.deepEqual(found.get('binlog_undo_rows_total')?.map(({ value }) => value), [0, 0, 0]);
});
