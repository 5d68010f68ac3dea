import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { source } from '../support/servers.ts';
import { World, ask, binlogEnd, using } from './support/world.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8'];
const TABLE = 'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v LONGTEXT)';
const SOME = "INSERT INTO t (v) VALUES ('a'), ('b'), ('c'); UPDATE t SET v = CONCAT(v, 'x') ORDER BY id DESC LIMIT 2";
/** About 2.5 MB of row images a statement. */
const WIDE = "INSERT INTO t (v) SELECT REPEAT('a wide row of some length ', 500) FROM information_schema.collations LIMIT 200";
const MIB = 1024 * 1024;

for (const kind of KINDS) {
  test(`${kind}: the backup server is restarted, killed, stopped for long, read-only and locked, and nothing is lost or twice`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 64 });
    await using world = await World.open(source(server.flavour), server, TABLE);
    const start = await binlogEnd(world.source);
    await using daemon = await world.start();
    await world.sql(SOME);
    await world.caughtUp();
    const writing = world.sql(`${SOME}; `.repeat(50));
    await server.restart();
    await writing;
    await world.caughtUp();
    const more = world.sql(`${SOME}; `.repeat(50));
    await server.kill();
    await more;
    await server.restart();
    await world.caughtUp();

    // Longer than three heartbeats of the source and the lease, under wide rows: they wait in the source's binlog, not here.
    const before = daemon.peakMemory();
    const sessions = daemon.lines.filter(({ event }) => event === 'session_ended').length;
    await server.kill('SIGSTOP');
    for (let i = 0; i < 40; i++) await world.sql(WIDE);
    await daemon.logged('session_ended', sessions + 1);
    for (let i = 0; i < 10; i++) await world.sql(WIDE);
    await server.kill('SIGCONT');
    await world.caughtUp();
    assert.ok(daemon.peakMemory() < before + 150 * MIB, `${Math.round(daemon.peakMemory() / MIB)} MiB, ${Math.round(before / MIB)} MiB before`);

    await ask(server, server.flavour === 'mysql' ? 'SET GLOBAL super_read_only = ON' : 'SET GLOBAL read_only = ON');
    await world.sql(SOME);
    if (server.flavour === 'mysql') {
      const said = await daemon.logged('session_ended', daemon.lines.filter(({ event }) => event === 'session_ended').length + 1);
      assert.match(JSON.stringify(said), /read-only.*BACKUP_REFUSED/);
    }
    await ask(server, server.flavour === 'mysql' ? 'SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF' : 'SET GLOBAL read_only = OFF');
    await world.caughtUp();

    await ask(server, 'SET GLOBAL innodb_lock_wait_timeout = 1');
    await daemon.stop();
    await using second = await world.start();
    await using(server, async (holder) => {
      await holder.query('START TRANSACTION');
      await holder.query(`SELECT * FROM ${world.ledger}.checkpoints FOR UPDATE`);
      await world.sql(SOME);
      assert.match(JSON.stringify(await second.logged('session_ended')), /1205.*BACKUP_REFUSED/);
    });
    await world.caughtUp();
    await second.stop();
    await world.equalsUndisturbed(start);
  });

  test(`${kind}: a backup table that was dropped is made again; one that was altered stops the daemon; so does an INSERT that is too large for a packet, which a file is not`, async () => {
    await using server = await startServer(kind, { bufferPoolMiB: 64 });
    await using world = await World.open(source(server.flavour), server, TABLE);
    const daemon = await world.start();
    await world.sql(SOME);
    await world.caughtUp();
    const [claim] = await world.ledgerRows('SELECT backup_database AS name FROM claims');
    const database = String(claim?.name);
    await ask(server, `DROP TABLE \`${database}\`.t`);
    await world.sql(SOME);
    await world.caughtUp();
    assert.equal((await world.projected()).statements.t?.length, 5, 'only what came after');

    await ask(server, 'SET GLOBAL max_allowed_packet = 4194304');
    await ask(server, 'SET GLOBAL local_infile = 0');
    await daemon.stop();
    const small = await world.start();
    await world.sql("INSERT INTO t (v) VALUES (REPEAT('x', 5000000)); DELETE FROM t WHERE v LIKE 'xxxxx%'");
    assert.equal(await small.ended(), 1);
    assert.match([...small.text, JSON.stringify(small.lines)].join(), /PACKET_TOO_LARGE.*SET GLOBAL max_allowed_packet=8388608/);
    await ask(server, 'SET GLOBAL local_infile = 1');
    const large = await world.start();
    await world.caughtUp();
    await ask(server, 'SET GLOBAL max_allowed_packet = 8388608');
    assert.equal((await world.projected()).statements.t?.filter((statement) => statement.length > 5_000_000).length, 1);

    await ask(server, `ALTER TABLE \`${database}\`.t ADD COLUMN extra INT NOT NULL, MODIFY opid_time VARCHAR(5) CHARACTER SET ascii NOT NULL`).catch(() =>
      ask(server, `DROP TABLE \`${database}\`.t; CREATE TABLE \`${database}\`.t (id INT PRIMARY KEY AUTO_INCREMENT, rollback_statement LONGTEXT, opid_time VARCHAR(5) CHARACTER SET ascii)`));
    await world.sql(SOME);
    assert.equal(await large.ended(), 1);
    assert.match([...large.text, JSON.stringify(large.lines)].join(), /BACKUP_TABLE_FOREIGN/);
    await ask(server, `DROP TABLE \`${database}\`.t`);
    await using last = await world.start();
    await world.caughtUp();
    await last.stop();
    const operations = await world.operations();
    assert.equal(new Set(operations.map(({ opid }) => opid)).size, operations.length);
  });
}
