import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type RunningServer, type ServerKind } from '../../deploy/provision/index.ts';
import { FaultProxy } from '../support/proxy.ts';
import { backup } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { World, ask } from './support/world.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8', 'mariadb-10.11'];

async function replicate(primary: RunningServer, replica: RunningServer): Promise<void> {
  const { port, user, password } = primary;
  await ask(replica, primary.flavour === 'mysql'
    ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${port}, SOURCE_USER='${user}', SOURCE_PASSWORD='${password}', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1; START REPLICA`
    : `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${port}, MASTER_USER='${user}', MASTER_PASSWORD='${password}', MASTER_USE_GTID=slave_pos; START SLAVE`);
}

const halt = (server: RunningServer): string => (server.flavour === 'mysql' ? 'STOP REPLICA' : 'STOP SLAVE');
const go = (server: RunningServer): string => (server.flavour === 'mysql' ? 'START REPLICA' : 'START SLAVE');

async function inStep(world: World, primary: RunningServer, replica: RunningServer): Promise<void> {
  const count = async (server: RunningServer): Promise<number> =>
    Number((await ask(server, `SELECT COUNT(*) AS n FROM ${world.schema}.t`).catch(() => [{ n: -1 }]))[0]?.n);
  const wanted = await count(primary);
  await until('the replica has all rows', async () => await count(replica) >= wanted);
}

/** A transaction that only the replica has, in the middle of those that it replicates. */
function errant(world: World, replica: RunningServer, id: number): string {
  const domain = replica.flavour === 'mysql' ? '' : 'SET SESSION gtid_domain_id = 7; ';
  return `${domain}INSERT INTO ${world.schema}.t VALUES (${id}, 'errant')`;
}

for (const kind of KINDS) {
  test(`${kind}: the alias goes on by GTID on a promoted replica, without loss or repetition`, async () => {
    const updates = kind === 'mysql-9.7' ? [] : ['--log-slave-updates=ON'];
    await using primary = await startServer(kind, { bufferPoolMiB: 32, args: updates });
    await using replica = await startServer(kind, { bufferPoolMiB: 32, args: updates });
    await replicate(primary, replica);
    await using proxy = await FaultProxy.open(primary);
    await using world = await World.open(proxy, backup(primary.flavour), 'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))');
    // Which GTIDs the log begins with must be known also when it begins at a file position.
    await using daemon = await world.start({ BINLOG_UNDO_START_POSITION: 'earliest' });
    await world.sql("INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b')");
    await inStep(world, primary, replica);
    await ask(replica, halt(replica));
    await ask(replica, errant(world, replica, 50));
    await ask(replica, go(replica));
    await world.sql("INSERT INTO t VALUES (3, 'c'); UPDATE t SET v = 'bb' WHERE id = 2; INSERT INTO t VALUES (4, 'd')");
    await inStep(world, primary, replica);
    await until('the replica has the last row', async () => (await ask(replica, `SELECT id FROM ${world.schema}.t WHERE id = 4`)).length === 1);
    await world.caughtUp();
    assert.equal((await world.operations()).filter(({ type }) => type !== 'CREATETABLE').length >= 5, true);

    // The primary dies; its address leads to the replica now.
    await ask(replica, halt(replica));
    await primary.kill();
    proxy.target = replica;
    await daemon.logged('failover');
    await ask(replica, `INSERT INTO ${world.schema}.t VALUES (5, 'e')`);
    await world.caughtUp();
    // A restart on the new server starts by position, with known transactions still ahead or behind.
    await daemon.kill();
    await ask(replica, `INSERT INTO ${world.schema}.t VALUES (6, 'f')`);
    await using again = await world.start();
    await world.caughtUp();
    await again.stop();

    const rows = (await world.operations()).filter(({ table_name, type }) => table_name === 't' && !String(type).startsWith('CREATE'));
    assert.deepEqual(rows.map(({ type, inserted, updated }) => `${String(type)} ${Number(inserted) + Number(updated)}`).toSorted(),
      [...Array<string>(7).fill('INSERT 1'), 'UPDATE 1']);
    assert.equal(new Set(rows.map(({ gtid }) => gtid)).size, rows.length);
    assert.deepEqual(await world.gaps(), []);
    const incarnations = await world.incarnations();
    assert.equal(incarnations.length, 2);
    assert.notEqual(incarnations[1]?.server_id, incarnations[0]?.server_id);
    // Undone newest first, the table is empty.
    const { statements } = await world.projected();
    const session = statements.t!.map((line) => line.slice(line.indexOf(' ') + 1)).toReversed();
    for (const statement of session) await ask(replica, `USE ${world.schema}; ${statement}`);
    assert.deepEqual(await ask(replica, `SELECT * FROM ${world.schema}.t`), []);
  });

  test(`${kind}: rows and DDL right behind a failover find the definitions of before`, async () => {
    // What TABLE_MAP does not tell is known from the history only.
    const args = [`--binlog-row-metadata=${kind === 'mysql-9.7' ? 'MINIMAL' : 'NO_LOG'}`, ...(kind === 'mysql-9.7' ? [] : ['--log-slave-updates=ON'])];
    await using primary = await startServer(kind, { bufferPoolMiB: 32, args });
    await using replica = await startServer(kind, { bufferPoolMiB: 32, args });
    await replicate(primary, replica);
    await using proxy = await FaultProxy.open(primary);
    await using world = await World.open(proxy, backup(primary.flavour), 'CREATE TABLE t (id INT, v VARCHAR(20))');
    const daemon = await world.start();
    await daemon.logged('definitions_read');
    await world.sql("ALTER TABLE t ADD COLUMN n INT; INSERT INTO t VALUES (1, 'a', 1)");
    await inStep(world, primary, replica);
    await world.caughtUp();
    await until('all definitions are proven', async () => (await world.ledgerRows('SELECT 1 FROM definitions WHERE proven = 0')).length === 0);
    await daemon.stop();
    await ask(replica, halt(replica));
    await primary.kill();
    proxy.target = replica;
    // Whoever reads the table on the new server sees it as it is after this.
    await ask(replica, `USE ${world.schema}; INSERT INTO t VALUES (2, 'b', 2); ALTER TABLE t ADD COLUMN w INT FIRST, DROP COLUMN v; INSERT INTO t VALUES (3, 3, 3); UPDATE t SET n = 9 WHERE id = 1`);
    await using again = await world.start();
    await world.caughtUp();
    assert.equal(again.lines.some(({ event }) => event === 'failover'), true);
    assert.deepEqual(again.lines.filter(({ event }) => event === 'ddl_not_replayed' || event === 'definition_differs'), []);
    await again.stop();
    assert.deepEqual(await world.gaps(), []);
    const { statements } = await world.projected();
    const columns = statements.t!.map((line) => [...new Set(line.slice(line.indexOf(' ') + 1).replace(/^.*?`t`/, '').match(/(?<=`)\w+(?=`)/g))].sort().join(' '));
    assert.deepEqual(columns.sort(), ['id n v', 'id n v', 'id n w', 'id n w'], statements.t!.join('\n'));
  });

  test(`${kind}: a server that lacks transactions of the log, or has purged some that follow, is refused with the set`, async () => {
    await using first = await startServer(kind, { bufferPoolMiB: 32 });
    await using second = await startServer(kind, { bufferPoolMiB: 32 });
    await using world = await World.open(first, backup(first.flavour), 'CREATE TABLE t (id INT PRIMARY KEY)');
    const daemon = await world.start();
    await world.sql('INSERT INTO t VALUES (1)');
    await world.caughtUp();
    await daemon.stop();
    const [last] = (await world.operations()).slice(-1);
    const gtid = String(last?.gtid);
    world.source = second;
    const lacking = await world.startFails();
    assert.equal(lacking.status, 3);
    assert.match(lacking.said, /INCARNATION_CHANGED.*does not have transactions that the log holds/);
    assert.ok(lacking.said.includes(first.flavour === 'mysql' ? gtid.slice(0, 36) : gtid), lacking.said);

    // It has all of the log's, and has purged what followed.
    await ask(second, `CREATE DATABASE ${world.schema}; CREATE TABLE ${world.schema}.t (id INT PRIMARY KEY); INSERT INTO ${world.schema}.t VALUES (1)`);
    if (first.flavour === 'mysql') {
      const [found] = await ask(first, 'SELECT @@global.gtid_executed AS gtids');
      await ask(second, `RESET BINARY LOGS AND GTIDS; SET GLOBAL gtid_purged = '${String(found?.gtids).replaceAll('\n', '')}'`);
    } else {
      await ask(second, 'RESET MASTER');
      const [state] = await ask(first, 'SELECT @@global.gtid_binlog_state AS state');
      await ask(second, `SET GLOBAL gtid_binlog_state = '${String(state?.state)}'`);
    }
    await ask(second, `INSERT INTO ${world.schema}.t VALUES (2)`);
    await ask(second, 'FLUSH BINARY LOGS');
    const [newest] = (await ask(second, 'SHOW BINARY LOGS')).slice(-1);
    await until('the old files are purged', async () => {
      await ask(second, `PURGE BINARY LOGS TO '${String(newest?.Log_name)}'`);
      return (await ask(second, 'SHOW BINARY LOGS')).length === 1;
    });
    await ask(second, `INSERT INTO ${world.schema}.t VALUES (3)`);
    const purged = await world.startFails();
    assert.equal(purged.status, 3);
    assert.match(purged.said, /BINLOG_PURGED/);
    // Recorded, the log goes on in a new incarnation with what there is.
    await using recorded = await world.start({ BINLOG_UNDO_ON_GAP: 'record' });
    await world.caughtUp();
    await recorded.stop();
    assert.deepEqual((await world.gaps()).map(({ reason }) => reason), ['purged']);
    assert.deepEqual((await world.operations()).map(({ type, inserted }) => `${String(type)} ${String(inserted)}`), ['INSERT 1', 'INSERT 1']);
  });
}
