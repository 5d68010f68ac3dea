import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runTool } from '../../deploy/provision/index.ts';
import { METRICS, METRIC_PREFIX } from '../../src/metrics/definitions.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'deploy', 'prometheus');

describe('the alert rules', () => {
  for (const args of [['check', 'rules', 'alerts.yaml'], ['test', 'rules', 'alerts.test.yaml']]) {
    it(`promtool ${args.join(' ')}`, async () => {
      const { status, stdout, stderr } = await runTool('prometheus', 'usr/bin/promtool', args, { cwd: FOLDER });
      assert.equal(status, 0, stdout + stderr);
    });
  }

  it('use only series that there are, and each has a runbook and a test', async () => {
    const rules = await readFile(join(FOLDER, 'alerts.yaml'), 'utf8');
    const known = new Set(Object.keys(METRICS).map((name) => METRIC_PREFIX + name));
    for (const [name] of rules.matchAll(/binlog_undo_[a-z_]+/g)) assert.ok(known.has(name), `${name} is not a metric`);
    const pages = await readFile(join(ROOT, 'docs', 'operations.md'), 'utf8');
    const tests = await readFile(join(FOLDER, 'alerts.test.yaml'), 'utf8');
    const alerts = [...rules.matchAll(/alert: (\w+)/g)].map((match) => match[1]!);
    for (const alert of alerts) {
      assert.match(pages, new RegExp(`^### ${alert}$`, 'm'));
      assert.ok(rules.includes(`docs/operations.md#${alert.toLowerCase()}`), alert);
    }
    assert.deepEqual(alerts.filter((alert) => !tests.includes(`alertname: ${alert}`)), ['BinlogUndoProjectionBacklog']);
  });
});

it('the dashboard uses only series that there are, and every one of them', async () => {
  const dashboard = JSON.parse(await readFile(join(ROOT, 'deploy', 'grafana', 'binlog-undo.json'), 'utf8')) as { panels: { targets: { expr: string }[] }[]; templating: unknown };
  const used = new Set([...JSON.stringify(dashboard).matchAll(/binlog_undo_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, '')));
  // A standby is told by the leaders; what else is there is shown.
  assert.deepEqual(Object.keys(METRICS).map((name) => METRIC_PREFIX + name).filter((name) => !used.delete(name)), ['binlog_undo_standby']);
  assert.deepEqual([...used], []);
  const rules = dashboard.panels.flatMap(({ targets }) => targets)
    .map(({ expr }, at) => ({ record: `query_${at}`, expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$source', '.*') }));
  const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-dashboard-'));
  await writeFile(join(folder, 'queries.yaml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const { status, stdout, stderr } = await runTool('prometheus', 'usr/bin/promtool', ['check', 'rules', 'queries.yaml'], { cwd: folder });
  await rm(folder, { recursive: true });
  assert.equal(status, 0, stdout + stderr);
});
