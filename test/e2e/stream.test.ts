import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVER_KINDS, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import type { StatusReport } from '../../src/script/index.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { Daemon } from '../support/daemon.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup } from '../support/servers.ts';
import { until } from '../support/until.ts';

const TABLE = "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v TINYINT NOT NULL); INSERT INTO t (v) VALUES (1), (2), (3)";

/** Servers of their own: these tests change what all sessions share. */
for (const kind of SERVER_KINDS) describe(`the stream from ${kind}`, () => {
  const flavour = kind.startsWith('mysql') ? 'mysql' : 'mariadb';
  let source: RunningServer;

  before(async () => {
    source = await startServer(kind, { bufferPoolMiB: 32 });
  });
  after(() => source.stop());

  /** Every operation is one insert of five one-byte rows: all are there once, and taking them back leaves what was before. */
  async function allThere(scene: Scene, statements: number, before: Record<string, string>): Promise<void> {
    await scene.caughtUp();
    const operations = await scene.operations();
    assert.deepEqual(operations.map((row) => Number(row.inserted)), Array<number>(statements).fill(5));
    await scene.undo(operations);
    assert.deepEqual(await scene.fingerprint(), before);
    assert.deepEqual(await scene.gaps(), []);
  }
  const insert = 'INSERT INTO t (v) VALUES (1), (2), (3), (4), (5)';

  const replicas = (scene: Scene): Promise<Row[]> => query(scene.db, 'SHOW REPLICAS').catch(() => query(scene.db, 'SHOW SLAVE HOSTS'));

  it('goes on through rotations and changes of the checksum, also behind by several files', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await scene.db.query(TABLE);
    const before = await scene.fingerprint();
    await using daemon = await scene.startDaemon();
    const changes = `${insert}; SET GLOBAL binlog_checksum = NONE; ${insert}; FLUSH BINARY LOGS; ${insert}; SET GLOBAL binlog_checksum = CRC32; ${insert}; FLUSH BINARY LOGS; ${insert}`;
    await scene.db.query(changes);
    await scene.caughtUp();
    await daemon.stop();
    await scene.db.query(changes);
    await scene.db.query('SET GLOBAL binlog_checksum = NONE');
    await using second = await scene.startDaemon();
    await scene.db.query(`${insert}; SET GLOBAL binlog_checksum = CRC32`);
    await allThere(scene, 11, before);
    await second.stop();
  });

  it('shows up as a replica by its alias, and refuses a server id that another one holds', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await using daemon = await scene.startDaemon();
    const { serverId } = await daemon.logged('capturing');
    const [shown, ...others] = await until('the replica is listed', async () => {
      const found = await replicas(scene);
      return found.length > 0 && found;
    });
    assert.deepEqual(others, []);
    assert.deepEqual([Number(shown?.Server_Id ?? shown?.Server_id), shown?.Host], [serverId, `binlog-undo:${scene.alias}`]);
    await using intruder = Daemon.spawn({ ...scene.env, BINLOG_UNDO_SOURCE_ALIAS: 'intruder', BINLOG_UNDO_SOURCE_SERVER_ID: String(serverId) });
    assert.equal(await intruder.ended(), 1);
    assert.match(intruder.text.join('\n'), /^binlog-undo: SERVER_ID_TAKEN: .*\d+.* Set BINLOG_UNDO_SOURCE_SERVER_ID/m);
    await using same = Daemon.spawn({ ...scene.env, BINLOG_UNDO_SOURCE_ALIAS: 'same', BINLOG_UNDO_SOURCE_SERVER_ID: String(source.port) });
    assert.equal(await same.ended(), 1);
    assert.match(same.text.join('\n'), /^binlog-undo: SERVER_ID_TAKEN: /m);
    // The one that was there first has not noticed.
    assert.equal(daemon.lines.filter((line) => line.event === 'session_ended').length, 0);
    await daemon.stop();
  });

  it('comes back after its dump connection was killed', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await scene.db.query(TABLE);
    const before = await scene.fingerprint();
    await using daemon = await scene.startDaemon();
    await scene.db.query(insert);
    for (let life = 2; life <= 3; life++) {
      const dump = await until('the dump connection', async () => (await query(scene.db, `SELECT id AS id FROM ${PROCESS_LIST} WHERE command LIKE 'Binlog Dump%'`))[0]);
      await scene.db.query(`KILL ${String(dump.id)}; ${insert}`);
      await daemon.logged('capturing', life);
      await scene.db.query(insert);
    }
    await allThere(scene, 5, before);
    await daemon.stop();
  });

  it('comes back after the backup server was killed and restarted', async () => {
    await using store = await startServer(kind, { bufferPoolMiB: 32 });
    const scene = await Scene.open(source, store);
    await scene.db.query(TABLE);
    const before = await scene.fingerprint();
    await using daemon = await scene.startDaemon();
    await scene.db.query(insert);
    await scene.caughtUp();
    await store.kill('SIGKILL');
    await scene.db.query(`${insert}; ${insert}`);
    await daemon.logged('session_ended');
    await store.restart();
    await using again = await Scene.open(source, store, { of: scene, ledger: scene.ledger, alias: scene.alias });
    await again.db.query(insert);
    await daemon.logged('capturing', 2);
    await allThere(again, 4, before);
    await daemon.stop();
    await scene.db.query(`DROP DATABASE ${scene.schema}`);
    await scene.db.end();
  });

  it('stops when the binlog it needs was purged, and on request notes the gap and goes on', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await scene.db.query(TABLE);
    const first = await scene.startDaemon();
    await scene.db.query(insert);
    await scene.caughtUp();
    await first.stop();
    await scene.db.query(`${insert}; FLUSH BINARY LOGS`);
    const { file } = await scene.position();
    // MariaDB since 11.4 keeps files while fewer than one replica is connected.
    if (kind === 'mariadb-11.8') await scene.db.query('SET GLOBAL slave_connections_needed_for_purge = 0');
    await until('the files are purged', async () => {
      await scene.db.query(`PURGE BINARY LOGS TO '${file}'`);
      return (await query(scene.db, 'SHOW BINARY LOGS'))[0]?.Log_name === file;
    });
    await using refused = Daemon.spawn(scene.env);
    assert.equal(await refused.ended(), 3);
    assert.match(refused.text.join('\n'), /^binlog-undo: BINLOG_PURGED: .* BINLOG_UNDO_ON_GAP=record/m);
    // How things stand is told all the same.
    const [stands] = (await scene.json<StatusReport>('status')).sources;
    assert.deepEqual([stands?.running, stands?.reach, stands?.lagSeconds], [false, stands?.checkpoint?.position, null]);
    assert.equal(stands?.sourcePosition, formatPosition(await scene.position()));
    await using daemon = await scene.startDaemon({ BINLOG_UNDO_ON_GAP: 'record' });
    await scene.db.query(insert);
    await scene.caughtUp();
    assert.equal((await scene.operations()).length, 2);
    const [gap, ...more] = await scene.gaps();
    assert.deepEqual(more, []);
    assert.deepEqual([gap?.reason, gap?.schema_name, gap?.table_name, gap?.to_file], ['purged', null, null, file]);
    await daemon.stop();
    // Once recorded it is history: the next start needs no leave.
    await using next = await scene.startDaemon();
    await scene.caughtUp();
    assert.equal((await scene.gaps()).length, 1);
    await next.stop();
  });
});
