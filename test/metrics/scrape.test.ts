import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freePort, startServer } from '../../deploy/provision/index.ts';
import { METRICS, METRIC_PREFIX } from '../../src/metrics/definitions.ts';
import { Daemon } from '../support/daemon.ts';
import { Scene } from '../support/scene.ts';
import { backup, source, sources } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { Prometheus, parseExposition } from './prometheus.ts';

/** Dashboards and alerts of others hang on these: never rename one. */
const GOLDEN = [
  'build_info', 'source_up', 'leader', 'standby', 'events_total', 'rows_total', 'rows_skipped_total', 'transactions_total', 'undecodable_events_total',
  'last_event_timestamp_seconds', 'last_commit_timestamp_seconds', 'lag_seconds', 'queue_bytes', 'paused_seconds_total',
  'store_commit_duration_seconds', 'reconnects_total', 'source_retention_headroom_seconds', 'gaps_open', 'store_bytes',
  'projection_backlog_transactions', 'kafka_backlog_transactions', 'kafka_records_total', 'kafka_failures_total',
];

type Scrape = ReturnType<typeof parseExposition>;

async function scrape(port: number): Promise<Scrape> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return parseExposition(await answer.text());
}

function value(found: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  return found.get(METRIC_PREFIX + name)?.find((sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text))?.value;
}

const metricsEnv = (port: number): Record<string, string> => ({ BINLOG_UNDO_METRICS_PORT: String(port) });

it('the names of the metrics stay', () => {
  assert.deepEqual(Object.keys(METRICS).sort(), [...GOLDEN].sort());
  for (const [name, { type }] of Object.entries(METRICS)) assert.equal(name.endsWith('_total'), type === 'counter', name);
});

for (const server of sources()) {
  it(`a scrape of a daemon on ${server.kind} tells what it did`, async () => {
    await using scene = await Scene.open(server, backup(server.flavour));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT)');
    const port = await freePort();
    await using daemon = await scene.startDaemon(metricsEnv(port));
    await scene.db.query("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3); UPDATE t SET v = v + 1 WHERE id < 3; DELETE FROM t WHERE id = 3");
    await scene.caughtUp();
    const found = await until('the counts and the ledger are there', async () => {
      const seen = await scrape(port);
      // Not how small the lag is: other tests write to this server as well.
      return value(seen, 'store_bytes', { part: 'ledger' }) !== undefined && value(seen, 'projection_backlog_transactions') === 0 &&
        value(seen, 'lag_seconds') !== undefined && value(seen, 'last_commit_timestamp_seconds') !== undefined && seen;
    });
    assert.deepEqual(['insert', 'update', 'delete'].map((kind) => value(found, 'rows_total', { kind })), [3, 2, 1]);
    assert.equal(value(found, 'transactions_total', { kind: 'plain' }), 3);
    assert.equal(value(found, 'source_up'), 1);
    assert.deepEqual([value(found, 'leader'), value(found, 'standby')], [1, 0]);
    assert.equal(value(found, 'gaps_open', { reason: 'none' }), 0);
    assert.equal(value(found, 'undecodable_events_total'), 0);
    assert.equal(value(found, 'queue_bytes'), 0);
    assert.ok((value(found, 'store_bytes', { part: 'projection' }) ?? 0) > 0);
    assert.ok((value(found, 'store_commit_duration_seconds_count') ?? 0) > 0);
    assert.equal(found.has('binlog_undo_reconnects_total'), false);
    const now = Date.now() / 1000;
    for (const name of ['last_event_timestamp_seconds', 'last_commit_timestamp_seconds']) assert.ok(Math.abs((value(found, name) ?? 0) - now) < 60, name);
    for (const [name, samples] of found) for (const { labels } of samples) assert.equal(labels.source, scene.alias, name);
    const ours = [...found].filter(([name]) => name.startsWith(METRIC_PREFIX)).flatMap(([, samples]) => samples.map(({ labels }) => JSON.stringify(labels)));
    assert.ok(!ours.some((labels) => labels.includes(`"${scene.schema}.`)), 'no table in a label');
    await daemon.stop();
  });
}

it('a standby says so and nothing of the source; many tables make no more series', async () => {
  // One of its own: what other tests write elsewhere brings kinds of events, which are series.
  await using server = await startServer('mysql-9.7', { bufferPoolMiB: 32 });
  await using scene = await Scene.open(server, backup('mysql'), { env: { BINLOG_UNDO_PROJECTION_ENABLED: 'false' } });
  const [first, second] = [await freePort(), await freePort()];
  await using leader = await scene.startDaemon(metricsEnv(first));
  const count = (found: Scrape): number => [...found].filter(([name]) => name.startsWith(METRIC_PREFIX)).reduce((sum, [, samples]) => sum + samples.length, 0);
  await using standby = Daemon.spawn({ ...scene.env, ...metricsEnv(second) });
  await standby.logged('standby');
  const waiting = await scrape(second);
  assert.deepEqual([value(waiting, 'leader'), value(waiting, 'standby'), value(waiting, 'source_up'), value(waiting, 'lag_seconds')], [0, 1, undefined, undefined]);
  const settled = (rows: number): Promise<Scrape> => until(`${rows} rows counted`, async () => {
    const seen = await scrape(first);
    return value(seen, 'rows_total', { kind: 'insert' }) === rows && value(seen, 'lag_seconds') === 0 && value(seen, 'gaps_open') !== undefined &&
      (value(seen, 'events_total', { kind: 'heartbeat' }) ?? 0) > 0 && seen;
  });
  await scene.db.query('CREATE TABLE t0 (id INT PRIMARY KEY); INSERT INTO t0 VALUES (1)');
  const few = count(await settled(1));
  for (let i = 1; i <= 60; i++) await scene.db.query(`CREATE TABLE t${i} (id INT PRIMARY KEY); INSERT INTO t${i} VALUES (1)`);
  assert.equal(count(await settled(61)), few);
  await leader.stop();
  await until('the standby leads', async () => value(await scrape(second), 'leader') === 1);
});

describe('with servers that go away', () => {
  it('a lost source is down, with a reason and with its headroom shrinking, while daemon and standby are ready and hand out scripts, and up again', async () => {
    const server = await startServer('mysql-9.7', { bufferPoolMiB: 32 });
    let cleanUp = (): Promise<void> => Promise.resolve();
    try {
      const scene = await Scene.open(server, backup('mysql'));
      // Its session dies with the server, so that the scene cannot end as others do.
      scene.db.on('error', () => undefined);
      cleanUp = async () => {
        scene.db.destroy();
        await scene.log.query(`DROP DATABASE IF EXISTS ${scene.ledger}`);
        await scene.log.end();
      };
      const [port, api, standbyApi] = [await freePort(), await freePort(), await freePort()];
      await using daemon = await scene.startDaemon({ ...metricsEnv(port), BINLOG_UNDO_ADMIN_PORT: String(api) });
      await using standby = Daemon.spawn({ ...scene.env, BINLOG_UNDO_ADMIN_PORT: String(standbyApi) });
      await standby.logged('standby');
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)');
      await scene.caughtUp();
      const up = await until('heartbeats tell that there is nothing more', async () => {
        const seen = await scrape(port);
        return value(seen, 'source_retention_headroom_seconds') !== undefined && value(seen, 'lag_seconds') === 0 &&
          (value(seen, 'events_total', { kind: 'heartbeat' }) ?? 0) > 0 && seen;
      });
      await server.kill();
      await daemon.logged('session_ended');
      const down = await scrape(port);
      assert.equal(value(down, 'source_up'), 0);
      assert.equal(value(down, 'leader'), 0);
      assert.equal(value(down, 'lag_seconds'), undefined);
      assert.equal(value(down, 'queue_bytes'), undefined);
      assert.ok((down.get('binlog_undo_reconnects_total') ?? []).some(({ labels }) => /^(source|stream)_/.test(labels.reason ?? '')));
      assert.ok(value(down, 'source_retention_headroom_seconds')! <= value(up, 'source_retention_headroom_seconds')!);
      for (const where of [api, standbyApi]) {
        for (const probe of ['livez', 'readyz']) assert.equal((await fetch(`http://127.0.0.1:${where}/${probe}`)).status, 200, probe);
        const script = await fetch(`http://127.0.0.1:${where}/v1/script?source=${scene.alias}&table=${scene.schema}.t&type=INSERT`);
        const text = await script.text();
        assert.equal(script.status, 200, text);
        assert.match(text, /^DELETE .*`t`/m);
      }
      await server.restart();
      await standby.stop();
      await until('the stream is open again', async () => value(await scrape(port), 'source_up') === 1);
      await daemon.stop();
    } finally {
      await cleanUp();
      await server.stop();
    }
  });

  it('a port that is taken is told by name', async () => {
    await using scene = await Scene.open(source('mysql'), backup('mysql'));
    const port = await freePort();
    await using daemon = await scene.startDaemon(metricsEnv(port));
    await using second = Daemon.spawn({ ...scene.env, ...metricsEnv(port) });
    assert.equal(await second.ended(), 2);
    assert.match(second.text.join('\n'), /CONFIG_INVALID.*METRICS_PORT/s);
    assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 404);
    await daemon.stop();
  });
});

it('a real Prometheus reads it', async () => {
  await using scene = await Scene.open(source('mysql'), backup('mysql'));
  const port = await freePort();
  await using daemon = await scene.startDaemon(metricsEnv(port));
  await using prometheus = await Prometheus.start(`127.0.0.1:${port}`);
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)');
  await until('the rows are in Prometheus', async () => await prometheus.value(`binlog_undo_rows_total{source="${scene.alias}", kind="insert"}`) === 2);
  await until('the stream is up', async () => await prometheus.value(`min_over_time(binlog_undo_source_up{source="${scene.alias}"}[1m])`) === 1);
  await daemon.stop();
});
