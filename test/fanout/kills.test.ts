import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scene } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { NO_BROKER, consume, envelope, openBroker, type Consumed } from './consumer.ts';

const broker = await openBroker();
after(() => broker?.[Symbol.asyncDispose]());

const dedup = (record: Consumed): string => record.headers['binlog-undo-dedup-id']!;

/** Commits changes of every kind to a few keys until it is told to stop. */
async function writeUntil(scene: Scene, stopped: () => boolean): Promise<void> {
  const session = await scene.session();
  for (let round = 1; !stopped(); round++) {
    // A load that goes on for long without filling the disk.
    await sleep(10);
    const id = round % 23;
    await session.query(`BEGIN; INSERT INTO t VALUES (${id}, ${round}), (${id + 100}, ${round}) ON DUPLICATE KEY UPDATE v = ${round}; UPDATE t SET v = v + 1 WHERE id < 5;
      ${round % 7 === 0 ? `DELETE FROM t WHERE id = ${id}; UPDATE t SET id = id + 1000 WHERE id = ${id + 100}; DELETE FROM t WHERE id >= 1000;` : ''} COMMIT`);
  }
  await session.end();
}

/** Every row change that the ledger holds: the GTID and the number of the row, with the place in the order of commits. */
async function ledgerChanges(scene: Scene): Promise<Map<string, number>> {
  const found = await scene.ledgerRows(
    `SELECT t.ordinal, t.gtid, SUM(o.inserted + o.updated + o.deleted) AS changes FROM sources s JOIN transactions t ON t.source_id = s.id
     JOIN operations o ON o.source_id = t.source_id AND o.ordinal = t.ordinal WHERE s.alias = ? AND o.ddl = 0 GROUP BY t.ordinal, t.gtid ORDER BY t.ordinal`, [scene.alias]);
  const changes = new Map<string, number>();
  for (const { gtid, changes: count } of found) for (let row = 0; row < Number(count); row++) changes.set(`${gtid as string}:${row}`, changes.size);
  return changes;
}

it('every change in the ledger is in Kafka, in order for each key, repeated only with equal dedup ids, over kill -9 of daemon and broker under load', { skip: broker === null && NO_BROKER }, async () => {
  await using scene = await Scene.open(source('mysql'), backup('mysql'));
  await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)');
  const { brokers, own } = broker!;
  const env = { BINLOG_UNDO_KAFKA_BROKERS: brokers, BINLOG_UNDO_KAFKA_TOPIC_PREFIX: scene.schema, BINLOG_UNDO_PROJECTION_ENABLED: 'false' };
  let daemon = await scene.startDaemon(env);
  const topic = `${scene.schema}.${scene.schema}.t`;
  const goOn = { over: false };
  const load = writeUntil(scene, () => goOn.over);
  const cursor = async (): Promise<number> => Number((await scene.ledgerRows("SELECT ordinal FROM cursors WHERE consumer = 'kafka'"))[0]?.ordinal ?? 0);
  const moves = async (): Promise<void> => {
    const from = await cursor();
    await until('Kafka takes more', async () => await cursor() > from);
  };
  try {
    await moves();
    await daemon.kill();
    daemon = await scene.startDaemon(env);
    await moves();
    if (own) {
      await own.kill();
      await daemon.logged('kafka_waiting');
      const held = await cursor();
      // Capture follows the load all the same, also over the death of the daemon.
      await scene.caughtUp({ projected: false });
      await daemon.kill();
      daemon = await scene.startDaemon(env);
      await scene.caughtUp({ projected: false });
      assert.equal(await cursor(), held);
      await own.restart();
    }
    await moves();
    goOn.over = true;
    await load;
    await scene.caughtUp({ projected: false });
    await until('all of the ledger is in Kafka', async () => Number((await scene.ledgerRows('SELECT next_ordinal FROM checkpoints'))[0]?.next_ordinal) === await cursor());
    await daemon.stop();
  } finally {
    goOn.over = true;
    await daemon.kill();
    await load;
  }
  const changes = await ledgerChanges(scene);

  const records = await consume(brokers, topic);
  const first = new Map<string, Consumed>();
  for (const record of records) {
    const known = first.get(dedup(record));
    const said = ({ key, payload, partition }: Consumed): unknown => [key, partition, payload === null ? null : { ...JSON.parse(payload) as object, ts_ms: 0 }];
    if (known) assert.deepEqual(said(record), said(known), 'a repetition says what the first one said');
    else first.set(dedup(record), record);
  }
  const base = (record: Consumed): string => dedup(record).replace(/:[dtc]$/, '');
  assert.deepEqual(new Set([...first.values()].map(base)), new Set(changes.keys()));
  assert.ok(changes.size > 200, `${changes.size} changes`);
  const newest = new Map<string, number>();
  for (const record of first.values()) {
    const at = changes.get(base(record))!;
    assert.ok(at >= (newest.get(record.key!) ?? 0), `${record.key} went back`);
    newest.set(record.key!, at);
  }
  // Who follows the topic ends up with the table.
  const state = new Map<number, unknown>();
  for (const record of records) {
    const { id } = JSON.parse(record.key!) as { id: number };
    if (record.payload === null || envelope(record).op === 'd') state.delete(id);
    else state.set(id, envelope(record).after);
  }
  const [rows] = await scene.db.query('SELECT id, v FROM t ORDER BY id');
  assert.deepEqual([...state.entries()].sort(([a], [b]) => a - b).map(([, row]) => row), rows);
});
