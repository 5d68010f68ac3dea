import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { World, ask, binlogEnd } from '../faults/support/world.ts';
import { runCli } from '../support/daemon.ts';
import { backup } from '../support/servers.ts';
import { until } from '../support/until.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8'];

for (const kind of KINDS) {
  test(`${kind}: B3.9 B3.13 B3.20 the millionth file, a start on a server that has purged its first files, and tagged GTIDs`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 32 });
    const mysql = server.flavour === 'mysql';
    await ask(server, mysql ? 'RESET BINARY LOGS AND GTIDS TO 999998' : 'RESET MASTER TO 999998');
    await using world = await World.open(server, backup(server.flavour), 'CREATE TABLE t (id INT PRIMARY KEY)');
    await ask(server, 'FLUSH BINARY LOGS');
    if (kind === 'mariadb-11.8') await ask(server, 'SET GLOBAL slave_connections_needed_for_purge = 0');
    const { file } = await binlogEnd(server);
    assert.match(file, /\.999999$/);
    await until('the first file is purged', async () => {
      await ask(server, `PURGE BINARY LOGS TO '${file}'`);
      return (await ask(server, 'SHOW BINARY LOGS')).length === 1;
    });
    const tagged = (sql: string): Promise<void> => world.sql(mysql ? `SET gtid_next = 'AUTOMATIC:night'; ${sql}; SET gtid_next = 'AUTOMATIC'` : sql);
    await world.sql('INSERT INTO t VALUES (1)');
    const first = await world.start({ BINLOG_UNDO_START_POSITION: 'earliest' });
    await tagged('INSERT INTO t VALUES (2)');
    await ask(server, 'FLUSH BINARY LOGS');
    assert.match((await binlogEnd(server)).file, /\.1000000$/);
    await tagged('INSERT INTO t VALUES (3)');
    await world.caughtUp();
    await first.stop();
    const [found] = await ask(server, mysql ? 'SELECT @@global.gtid_executed AS gtids' : 'SELECT @@global.gtid_binlog_pos AS gtids');
    const [kept] = await world.ledgerRows('SELECT gtid_set FROM checkpoints');
    assert.equal(String(kept?.gtid_set).toLowerCase(), String(found?.gtids).replaceAll(/\s/g, '').toLowerCase());
    await world.sql('INSERT INTO t VALUES (4)');
    await using second = await world.start();
    await world.caughtUp();
    await second.stop();
    const operations = await world.operations();
    assert.deepEqual(operations.map(({ start_file: name }) => String(name).split('.')[1]), ['999999', '999999', '1000000', '1000000']);
    if (mysql) assert.deepEqual(operations.map(({ gtid }) => /:night:/.test(String(gtid))), [false, true, true, false]);
    const [from] = operations;
    const script = await runCli(['script', '--database', world.schema, '--start-position', `${String(from!.start_file)}:${String(from!.start_offset)}`], world.env);
    assert.equal(script.status, 0, script.stderr);
    assert.match(script.stdout, /undoes 4 operations of 4 transactions/);
  });
}
