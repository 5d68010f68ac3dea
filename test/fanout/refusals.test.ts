import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { freePort, makeCertificates } from '../../deploy/provision/index.ts';
import { runCli, type Daemon } from '../support/daemon.ts';
import { Scene } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { NO_BROKER, consumed, openBroker, type Broker } from './consumer.ts';

const opened = await openBroker();
after(() => opened?.[Symbol.asyncDispose]());
const WITHOUT_PROJECTION = { BINLOG_UNDO_PROJECTION_ENABLED: 'false' };

/** The daemon names the failure, counts it, says in status how far Kafka is behind, and captures all the same. */
async function refused(scene: Scene, daemon: Daemon, port: number, code: string, said: RegExp): Promise<void> {
  const { error } = await daemon.logged('kafka_waiting') as unknown as { error: { code: string; message: string } };
  assert.deepEqual([error.code, said.test(error.message)], [code, true], error.message);
  assert.doesNotMatch(JSON.stringify(daemon.lines), /kafka-secret|no-such-secret/);
  await scene.db.query('INSERT INTO t (id) SELECT MAX(id) + 1 FROM t');
  await scene.caughtUp({ projected: false });
  await until('the failure is counted', async () => (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).includes(`binlog_undo_kafka_failures_total{source="${scene.alias}",reason="${code.toLowerCase()}"}`));
  const status = await scene.json<{ sources: { kafkaBehind: number | null }[] }>('status');
  assert.ok((status.sources[0]!.kafkaBehind ?? 1) > 0);
  await daemon.stop();
}

describe('the fan-out over TLS with an account', { skip: opened?.own ? false : NO_BROKER }, () => {
  const broker = opened as Broker;

  it('sends by PLAIN and by SCRAM, and names an account, a right, an authority or a size that is refused', async () => {
    const { secure } = broker.own!;
    const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-kafka-tls-'));
    try {
      await using scene = await Scene.open(source('mysql'), backup('mysql'), { env: WITHOUT_PROJECTION });
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT); INSERT INTO t VALUES (1, NULL)');
      const port = await freePort();
      const environment = (changed: Readonly<Record<string, string>>): Record<string, string> => ({
        BINLOG_UNDO_METRICS_PORT: String(port), BINLOG_UNDO_KAFKA_BROKERS: secure.brokers, BINLOG_UNDO_KAFKA_TOPIC_PREFIX: scene.schema,
        BINLOG_UNDO_KAFKA_TLS_ENABLED: 'true', BINLOG_UNDO_KAFKA_TLS_CA: secure.ca,
        BINLOG_UNDO_KAFKA_SASL_MECHANISM: 'plain', BINLOG_UNDO_KAFKA_SASL_USER: secure.user, BINLOG_UNDO_KAFKA_SASL_PASSWORD: secure.password, ...changed,
      });
      const strange = await makeCertificates(folder, 'strange');
      for (const [changed, code, said] of [
        [{ BINLOG_UNDO_KAFKA_SASL_PASSWORD: 'no-such-secret' }, 'KAFKA_REFUSED', /SASL|authentication/i],
        [{ BINLOG_UNDO_KAFKA_SASL_MECHANISM: 'scram-sha-512', BINLOG_UNDO_KAFKA_SASL_USER: 'nobody' }, 'KAFKA_REFUSED', /SASL|authentication/i],
        [{ BINLOG_UNDO_KAFKA_SASL_USER: secure.stranger }, 'KAFKA_REFUSED', /authoriz/i],
        [{ BINLOG_UNDO_KAFKA_TLS_CA: strange.ca }, 'KAFKA_UNREACHABLE', /certificate/i],
      ] as const) await refused(scene, await scene.startDaemon(environment(changed)), port, code, said);

      let sent = Number((await scene.ledgerRows('SELECT COUNT(*) AS n FROM operations WHERE ddl = 0'))[0]!.n);
      for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512']) {
        await using daemon = await scene.startDaemon(environment({ BINLOG_UNDO_KAFKA_SASL_MECHANISM: mechanism }));
        await scene.db.query('INSERT INTO t (id) SELECT MAX(id) + 1 FROM t');
        await consumed(broker.brokers, `${scene.schema}.${scene.schema}.t`, ++sent);
        await daemon.stop();
      }
      // The broker takes about 1 MB; what it refuses is told, however large our own limit is.
      await using daemon = await scene.startDaemon(environment({ BINLOG_UNDO_KAFKA_MAX_RECORD_BYTES: '8000000' }));
      await scene.db.query(`UPDATE t SET v = '${randomBytes(1_500_000).toString('base64')}' ORDER BY id LIMIT 1`);
      await refused(scene, daemon, port, 'KAFKA_RECORD_TOO_LARGE', /too large|larger/i);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it('a broker that is not there is told by name, and captures all the same', async () => {
  await using scene = await Scene.open(source('mysql'), backup('mariadb'), { env: WITHOUT_PROJECTION });
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)');
  const port = await freePort();
  const daemon = await scene.startDaemon({ BINLOG_UNDO_METRICS_PORT: String(port), BINLOG_UNDO_KAFKA_BROKERS: '127.0.0.1:1' });
  await refused(scene, daemon, port, 'KAFKA_UNREACHABLE', /127\.0\.0\.1:1/);
});

it('a topic prefix that Kafka would refuse, brokers without a port and a mechanism that is none end the start', async () => {
  for (const [name, value] of [['TOPIC_PREFIX', 'a b'], ['TOPIC_PREFIX', 'x'.repeat(101)], ['TOPIC_PREFIX', '.x'], ['BROKERS', 'kafka'], ['SASL_MECHANISM', 'gssapi'], ['ON_LARGE', 'drop'], ['MASK', 'shop.email=hash']] as const) {
    const { status, stderr } = await runCli(['run', '--print-config'], { [`BINLOG_UNDO_KAFKA_${name}`]: value });
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`CONFIG_INVALID: BINLOG_UNDO_KAFKA_${name}: must be`), stderr);
  }
  const unsalted = await runCli(['run', '--print-config'], { BINLOG_UNDO_KAFKA_BROKERS: 'kafka:9092', BINLOG_UNDO_KAFKA_MASK: '*.*.email=hash' });
  assert.match(unsalted.stderr, /CONFIG_INVALID.*BINLOG_UNDO_KAFKA_MASK_SALT/s);
});
