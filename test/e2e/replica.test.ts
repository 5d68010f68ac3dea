import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SERVER_KINDS, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backup, connect } from '../support/servers.ts';
import { until } from '../support/until.ts';

async function replicate(primary: RunningServer, replica: RunningServer): Promise<void> {
  const { host, port, user, password } = primary;
  const connection = await connect(replica, { multipleStatements: true });
  await connection.query(primary.flavour === 'mysql'
    ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST='${host}', SOURCE_PORT=${port}, SOURCE_USER='${user}', SOURCE_PASSWORD='${password}', SOURCE_AUTO_POSITION=1,
         GET_SOURCE_PUBLIC_KEY=1; START REPLICA; SET GLOBAL read_only = ON`
    : `CHANGE MASTER TO MASTER_HOST='${host}', MASTER_PORT=${port}, MASTER_USER='${user}', MASTER_PASSWORD='${password}', MASTER_USE_GTID=slave_pos, MASTER_SSL=0, MASTER_SSL_VERIFY_SERVER_CERT=0;
         START SLAVE; SET GLOBAL read_only = ON`);
  await connection.end();
}

for (const kind of SERVER_KINDS) describe(`a replica of ${kind} as the source`, () => {
  it('tells the sessions, the SQL and the rows of its primary, at its own positions', async () => {
    const flavour = kind.startsWith('mysql') ? 'mysql' : 'mariadb';
    // The test makes a schema of its own on the replica, which MariaDB's strict mode would not have.
    const gtid = flavour === 'mysql';
    await using primary = await startServer(kind, { bufferPoolMiB: 32, gtid });
    await using replica = await startServer(kind, { bufferPoolMiB: 32, gtid, args: gtid ? [] : ['--log-slave-updates=ON'] });
    // Different file sizes on both, so that a position of one means nothing on the other.
    const ahead = await connect(replica, { multipleStatements: true });
    await ahead.query(flavour === 'mysql' ? 'SET SESSION sql_log_bin = 1; CREATE DATABASE only_here; DROP DATABASE only_here; RESET BINARY LOGS AND GTIDS; FLUSH BINARY LOGS; FLUSH BINARY LOGS'
      : 'FLUSH BINARY LOGS; FLUSH BINARY LOGS');
    await ahead.end();
    await replicate(primary, replica);
    const onPrimary = await connect(primary, { multipleStatements: true });
    const [session] = await query(onPrimary, 'SELECT CONNECTION_ID() AS id');
    await using scene = await Scene.open(replica, backup(flavour), { everything: true });
    await onPrimary.query("CREATE DATABASE shop; USE shop; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    const arrived = async (sql: string): Promise<void> => {
      await until(`replicated: ${sql}`, async () => (await query(scene.db, sql).catch(() => [])).length > 0);
    };
    await arrived('SELECT 1 FROM shop.t WHERE id = 2');
    await using daemon = await scene.startDaemon();
    const sql = "UPDATE t SET v = 'accident' /* on the primary */";
    await onPrimary.query(sql);
    await arrived("SELECT 1 FROM shop.t WHERE v = 'accident'");
    await scene.caughtUp();
    const [operation, ...more] = await scene.operations();
    assert.deepEqual(more, []);
    const told = kind !== 'mariadb-10.11';
    assert.deepEqual([operation?.statement, Number(operation?.updated), Number(operation?.thread_id)], [sql, 2, told ? Number(session?.id) : 0]);
    const events = await query(scene.db, `SHOW BINLOG EVENTS IN '${String(operation?.start_file)}' FROM ${String(operation?.start_offset)} LIMIT 8`);
    assert.match(String(events[0]?.Event_type), /^Gtid/);
    assert.equal(Number(events.find((event) => event.Event_type === 'Xid')?.End_log_pos), Number(operation?.end_offset));
    assert.notEqual(operation?.start_file, 'binlog.000001');
    // A script is no better than others who write on a replica, read-only or not.
    const made = await scene.cli('script', '--opid', String(operation?.opid));
    assert.equal(made.status, 0, made.stderr);
    for (const [readOnly, message] of [['ON', 'this server is read-only'], ['OFF', 'this server is a replica']] as const) {
      await scene.db.query(`SET GLOBAL read_only = ${readOnly}`);
      for (const args of [[], ['--force']]) {
        const result = await applyWithClient(replica, made.stdout, args);
        assert.notEqual(result.stderr.indexOf(message), -1, result.stderr);
        assert.deepEqual(await query(scene.db, 'SELECT v FROM shop.t ORDER BY id'), [{ v: 'accident' }, { v: 'accident' }]);
      }
    }
    // Undone on the primary, whose rows they are.
    await onPrimary.query(await scene.log.query(`SELECT GROUP_CONCAT(rollback_statement ORDER BY id SEPARATOR '\\n') AS text FROM \`${scene.alias}_${replica.port}_shop\`.t`)
      .then(([rows]) => String((rows as { text: string }[])[0]?.text)));
    assert.deepEqual(await query(onPrimary, 'SELECT v FROM t ORDER BY id'), [{ v: 'one' }, { v: 'two' }]);
    await daemon.stop();
    await onPrimary.end();
  });
});
