import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup, source, sources } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { NO_BROKER, consume, consumed, envelope, openBroker, type Broker, type Consumed, type Envelope } from './consumer.ts';

const dedup = (record: Consumed): string => record.headers['binlog-undo-dedup-id']!;

/** The last state of every key: what a consumer that follows the topic ends up with. */
function replay(records: readonly Consumed[]): Map<string, unknown> {
  const state = new Map<string, unknown>();
  for (const record of records) {
    if (record.payload === null || envelope(record).op === 'd') state.delete(record.key!);
    else state.set(record.key!, envelope(record).after);
  }
  return state;
}

/** Undoes by what the records say, newest first, unseen by the binlog: first to the rows that were inserted, then to none. */
async function undoesEach(scene: Scene, records: readonly Consumed[], inserted: readonly Row[]): Promise<void> {
  const told = records.filter(({ payload }) => payload !== null).map(envelope).sort((a, b) => Number(b.source.ts_us) - Number(a.source.ts_us) || Number(b.source.pos) - Number(a.source.pos));
  const statements = told.map(({ undo }) => undo.sql).filter((sql) => sql !== null);
  const session = await scene.session();
  await session.query('SET SESSION sql_log_bin = 0');
  for (const sql of statements.slice(0, -1)) await session.query(sql);
  assert.deepEqual(await query(scene.db, 'SELECT * FROM t'), inserted);
  await session.query(statements.at(-1)!);
  assert.deepEqual(await query(scene.db, 'SELECT * FROM t'), []);
  await session.end();
}

const opened = await openBroker();
after(() => opened?.[Symbol.asyncDispose]());

describe('the fan-out to a real Kafka', { skip: opened === null && NO_BROKER }, () => {
  // Without a broker none of this runs.
  const broker = opened as Broker;

  const environment = (prefix: string, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    BINLOG_UNDO_KAFKA_BROKERS: broker.brokers, BINLOG_UNDO_KAFKA_TOPIC_PREFIX: prefix, BINLOG_UNDO_PROJECTION_ENABLED: 'false', ...more,
  });

  /** Debezium's transaction metadata: a transaction over two tables has its begin, its end with the counts, and the place of each change. */
  const inTransactions = async (scene: Scene, topic: string, before: readonly Consumed[]): Promise<void> => {
    await scene.db.query('CREATE TABLE other (id INT PRIMARY KEY); BEGIN; INSERT INTO t (id) VALUES (10), (11); INSERT INTO other VALUES (1); UPDATE t SET id = 12 WHERE id = 11; COMMIT');
    const records = (await consumed(broker.brokers, topic, before.length + 5)).filter((record) => !before.some((known) => dedup(known) === dedup(record)));
    const places = records.filter(({ payload }) => payload !== null).map(envelope).map(({ op, transaction }) => [op, transaction.total_order, transaction.data_collection_order]);
    assert.deepEqual(places.sort((a, b) => Number(a[1]) - Number(b[1])), [['c', 1, 1], ['c', 2, 2], ['d', 4, 3], ['c', 5, 4]]);
    const { id } = envelope(records[0]!).transaction;
    const bounds = (await consumed(broker.brokers, `${scene.schema}.transaction`, 10)).map(({ payload }) => JSON.parse(payload!) as { status: string; id: string; event_count: number | null; data_collections: unknown });
    assert.deepEqual(bounds.filter((bound) => bound.id === id).map(({ status, event_count: count, data_collections: tables }) => [status, count, tables]), [
      ['BEGIN', null, null], ['END', 5, [{ data_collection: `${scene.schema}.t`, event_count: 4 }, { data_collection: `${scene.schema}.other`, event_count: 1 }]],
    ]);
  };

  for (const server of sources()) {
    it(`sends every row change of ${server.kind} with its values, its key and its place`, async () => {
      await using scene = await Scene.open(server, backup(server.flavour));
      const mysql = server.flavour === 'mysql';
      await using daemon = await scene.startDaemon(environment(scene.schema, { BINLOG_UNDO_KAFKA_TRANSACTION_METADATA: 'true' }));
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, big BIGINT UNSIGNED, d DECIMAL(20,4), f FLOAT, g DOUBLE, s VARCHAR(20), l VARCHAR(20) CHARACTER SET latin1,
        b VARBINARY(10), x BINARY(4), bits BIT(12), bit1 BIT(1), e ENUM('a','it''s'), st SET('x','y','z'), dt DATETIME(6), dd DATE, tt TIME(3), ts TIMESTAMP(3) NULL, y YEAR, j JSON, n INT)`);
      await scene.db.query("SET time_zone = '+05:00'");
      await scene.db.query(`INSERT INTO t VALUES (1, 18446744073709551615, -1234567890123456.7800, 0.1, 1e300, 'h\u00e9 "q" \u{1F600}', 'caf\u00e9', 0x00FF, 0x01, b'100000000001', b'1',
        'it''s', 'x,z', '2026-02-03 04:05:06.123456', '2026-02-03', '-12:34:56.789', '2026-02-03 05:00:00.5', 2026, '{"a": [1, 2.5, "x"], "b": 12345678901234567890}', NULL)`);
      const inserted = await query(scene.db, 'SELECT * FROM t');
      await scene.db.query('UPDATE t SET n = 7 WHERE id = 1; UPDATE t SET id = 2; DELETE FROM t');
      const topic = `${scene.schema}.${scene.schema}.t`;
      // create; update; delete, tombstone and create of the changed key; delete and tombstone.
      const records = await consumed(broker.brokers, topic, 7);
      const of = (key: number): Consumed[] => records.filter((record) => record.key === `{"id":${key}}`);
      assert.deepEqual(of(1).map((record) => record.payload && envelope(record).op), ['c', 'u', 'd', null]);
      assert.deepEqual(of(2).map((record) => record.payload && envelope(record).op), ['c', 'd', null]);
      const [created, updated] = of(1).map((record) => record.payload && envelope(record)) as [Envelope, Envelope];
      const { j, ...values } = created.after!;
      assert.deepEqual(values, {
        id: 1, big: '18446744073709551615', d: '-1234567890123456.7800', f: 0.1, g: 1e300, s: 'h\u00e9 "q" \u{1F600}', l: 'caf\u00e9', b: 'AP8=', x: 'AQAAAA==', bits: 'AQg=', bit1: true,
        e: "it's", st: 'x,z', dt: '2026-02-03 04:05:06.123456', dd: '2026-02-03', tt: '-12:34:56.789', ts: '2026-02-03T00:00:00.500Z', y: 2026, n: null,
      });
      assert.match(String(j), mysql ? /^\{"a":\[1,2\.5,"x"\],"b":12345678901234567890\}$/ : /12345678901234567890/);
      assert.deepEqual([updated.before!.n, updated.after!.n], [null, 7]);
      const [insert] = await scene.operations().then((all) => all.filter((operation) => operation.type === 'INSERT'));
      assert.equal(created.undo.opid, insert!.opid);
      // What a record says undoes its row; of a changed key the create says it.
      assert.deepEqual(of(1).map((record) => record.payload && envelope(record).undo.sql === null), [false, false, true, null]);
      await undoesEach(scene, records, inserted);
      assert.equal(of(1)[0]!.headers['binlog-undo-opid'], insert!.opid);
      assert.equal(created.source.db, scene.schema);
      assert.equal(created.source.table, 't');
      assert.equal(created.source.name, scene.alias);
      assert.equal(created.source.connector, 'binlog-undo');
      assert.match(String(created.source.query), /^INSERT INTO t/);
      assert.equal(new Set(records.map(dedup)).size, 7);
      assert.match(of(1)[0]!.headers['content-type']!, /json/);
      await inTransactions(scene, topic, records);
      const events = (await consumed(broker.brokers, scene.schema, 1)).map((record) => JSON.parse(record.payload!) as { type: string; ddl: string });
      assert.ok(events.some(({ type, ddl }) => type === 'ddl' && ddl.startsWith('CREATE TABLE t')));
      await daemon.stop();
    });
  }

  it('has statements that are right in any session, and leaves one out where the record would be too large by it', async () => {
    await using scene = await Scene.open(source('mariadb'), backup('mariadb'));
    await using daemon = await scene.startDaemon(environment(scene.schema, { BINLOG_UNDO_KAFKA_MAX_RECORD_BYTES: '2500' }));
    await scene.db.query(`CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT); SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO t VALUES (0, 'x'), (5, REPEAT('y', 1000)); DELETE FROM t`);
    const records = (await consumed(broker.brokers, `${scene.schema}.${scene.schema}.t`, 6)).filter(({ payload }) => payload !== null).map(envelope);
    assert.deepEqual(records.map(({ op, before, after, undo }) => [op, (before ?? after)!.id, undo.sql === null]).sort(), [['c', 0, false], ['c', 5, false], ['d', 0, false], ['d', 5, true]]);
    const statement = records.find(({ op, before }) => op === 'd' && before!.id === 0)!.undo.sql!;
    await scene.db.query(`SET SESSION sql_mode = DEFAULT; ${statement}`);
    assert.deepEqual((await query(scene.db, 'SELECT id, v FROM t')).map((row) => ({ ...row })), [{ id: 0, v: 'x' }]);
    await daemon.stop();
  });

  it('sends masked columns without their values, in rows, keys and statements, and keys still tell rows apart', async () => {
    await using scene = await Scene.open(source('mariadb'), backup('mariadb'));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, email VARCHAR(50), Card VARCHAR(20), note VARCHAR(20)); CREATE TABLE people (email VARCHAR(50) PRIMARY KEY, n INT); CREATE TABLE keyless (card VARCHAR(20), n INT)');
    const masked = environment(scene.schema, {
      BINLOG_UNDO_KAFKA_MASK: `*.t.email=hash,${scene.schema}.*.card=null,*.people.*mail=null`, BINLOG_UNDO_KAFKA_MASK_SALT: 'pepper-of-the-test',
    });
    await using daemon = await scene.startDaemon(masked);
    await scene.db.query(`INSERT INTO t VALUES (1, 'secret-1@x.test', 'secret-4111', 'seen'), (2, 'secret-1@x.test', NULL, NULL), (3, 'secret-2@x.test', 'secret-4222', NULL);
      INSERT INTO people VALUES ('secret-1@x.test', 1), ('secret-2@x.test', 2); UPDATE people SET n = 3 WHERE email = 'secret-1@x.test'; INSERT INTO keyless VALUES ('secret-4111', 1), ('secret-4222', 1)`);
    const topic = (table: string): string => `${scene.schema}.${scene.schema}.${table}`;
    const rows = await consumed(broker.brokers, topic('t'), 3);
    const [one, two, three] = rows.map((record) => envelope(record).after!).sort((a, b) => Number(a.id) - Number(b.id)) as [Record<string, unknown>, Record<string, unknown>, Record<string, unknown>];
    assert.deepEqual([one.Card, two.Card, one.note], [null, null, 'seen']);
    assert.match(String(one.email), /^hmac-sha256:[0-9a-f]{64}$/);
    assert.deepEqual([one.email === two.email, one.email === three.email], [true, false]);
    const people = await consumed(broker.brokers, topic('people'), 3);
    assert.equal(new Set(people.map(({ key }) => key)).size, 2);
    const updated = people.find((record) => envelope(record).op === 'u')!;
    assert.deepEqual(people.filter(({ key }) => key === updated.key).map((record) => [envelope(record).op, envelope(record).after]), [['c', { email: null, n: 1 }], ['u', { email: null, n: 3 }]]);
    assert.equal(new Set((await consumed(broker.brokers, topic('keyless'), 2)).map(({ key }) => key)).size, 2);
    const everything = [...rows, ...people, ...await consume(broker.brokers, topic('keyless')), ...await consume(broker.brokers, scene.schema)];
    assert.doesNotMatch(JSON.stringify(everything), /secret-|pepper/);
    assert.doesNotMatch(daemon.text.join('\n'), /secret-|pepper/);
    await scene.caughtUp({ projected: false });
    // What undoes them is whole.
    assert.match((await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.t`)).stdout, /secret-1@x\.test/);
    await daemon.stop();
  });

  it('goes on after its cursor was taken over, as a forced purge does it', async () => {
    await using scene = await Scene.open(source('mysql'), backup('mysql'));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY)');
    await using daemon = await scene.startDaemon(environment(scene.schema));
    await scene.db.query('INSERT INTO t VALUES (1)');
    const topic = `${scene.schema}.${scene.schema}.t`;
    await consumed(broker.brokers, topic, 1);
    await scene.ledgerRows("UPDATE cursors SET epoch = epoch + 1 WHERE consumer = 'kafka'");
    await scene.db.query('INSERT INTO t VALUES (2)');
    assert.equal(((await daemon.logged('session_ended')).error as { code: string }).code, 'LEADER_LOST');
    await scene.db.query('INSERT INTO t VALUES (3)');
    await consumed(broker.brokers, topic, 3);
    await daemon.stop();
  });

  it('leaves out a record that is too large with a note, or stops before it while capture goes on, and tells of gaps', async () => {
    await using scene = await Scene.open(source('mariadb'), backup('mysql'));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)');
    const limit = { BINLOG_UNDO_KAFKA_MAX_RECORD_BYTES: '5000' };
    const topic = `${scene.schema}.${scene.schema}.t`;
    await using stopping = await scene.startDaemon(environment(scene.schema, limit));
    await scene.db.query("SET SESSION binlog_format = 'STATEMENT'; INSERT INTO t VALUES (9, 'not a row in the binlog'); SET SESSION binlog_format = 'ROW'");
    await scene.db.query("INSERT INTO t VALUES (1, 'small'); INSERT INTO t VALUES (2, REPEAT('x', 10000)); INSERT INTO t VALUES (3, 'small')");
    const waiting = await stopping.logged('kafka_waiting');
    assert.equal((waiting.error as { code: string }).code, 'KAFKA_RECORD_TOO_LARGE');
    await scene.caughtUp({ projected: false });
    await stopping.stop();
    await using skipping = await scene.startDaemon(environment(scene.schema, { ...limit, BINLOG_UNDO_KAFKA_ON_LARGE: 'skip' }));
    const records = await consumed(broker.brokers, topic, 2);
    assert.deepEqual([...replay(records).keys()].sort(), ['{"id":1}', '{"id":3}']);
    const note = await until('the note', async () => (await consume(broker.brokers, scene.schema)).map((record) => JSON.parse(record.payload!) as { type: string; topic: string }).find(({ type }) => type === 'skipped'));
    assert.equal(note.topic, topic);
    const gap = (await consume(broker.brokers, scene.schema)).map((record) => JSON.parse(record.payload!) as { type: string; reason: string; detail: string }).find(({ type }) => type === 'gap');
    assert.ok(gap, 'what the log does not hold is told in its place');
    assert.ok((await scene.gaps()).some(({ reason }) => reason === gap.reason));
    await skipping.stop();
  });
});
