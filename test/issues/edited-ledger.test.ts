import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection, type Connection } from 'mysql2/promise';
import { World, ask } from '../faults/support/world.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { runCli } from '../support/daemon.ts';
import { backup, source } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { apartFromXa } from '../support/xa.ts';

for (const flavour of ['mysql', 'mariadb'] as const) {
  test(`${flavour}: a ledger that was edited by hand is refused with what was found, what was expected, and the statement that mends it`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), 'CREATE TABLE t (id INT PRIMARY KEY)');
    const daemon = await world.start();
    await world.sql('INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)');
    await world.caughtUp();
    await daemon.stop();
    for (const [edit, said] of [
      ["UPDATE checkpoints SET file = 'nonsense'", /found nonsense:\d+, expected a binlog position/],
      ['UPDATE checkpoints SET file_offset = 1', /found .*:1, expected a binlog position/],
      ['UPDATE checkpoints SET next_ordinal = 1', /found next_ordinal 1, expected more than the newest transaction's, 2/],
      ['UPDATE checkpoints SET next_block = 1', /found next_block 1, expected more than the newest block's, \d+/],
      ['UPDATE checkpoints SET incarnation_id = 4242', /found incarnation_id 4242, expected a row of incarnations/],
      ["UPDATE checkpoints SET gtid_set = 'all of them'", /found gtid_set "all of them".*expected a GTID set/],
    ] as const) {
      await world.ledgerRows(edit);
      const refused = await world.startFails();
      assert.equal(refused.status, 1, refused.said);
      assert.match(refused.said, said);
      const mend = /(UPDATE `.*?;)/.exec(refused.said)?.[1];
      assert.ok(mend, refused.said);
      await ask(world.backup, mend);
    }
    // Mended as told, nothing is lost and nothing there twice.
    await world.sql('INSERT INTO t VALUES (3)');
    const again = await world.start();
    await world.caughtUp();
    await again.stop();
    assert.deepEqual((await world.operations()).map(({ ordinal, inserted }) => `${String(ordinal)} ${String(inserted)}`), ['1 1', '2 1', '3 1']);
    assert.deepEqual(await world.gaps(), []);

    await world.ledgerRows('DELETE FROM checkpoints');
    assert.match((await world.startFails()).said, /LEDGER_DAMAGED.*found there is none, expected one/);
    await world.ledgerRows('DROP TABLE blocks, threads');
    const torn = await world.startFails();
    assert.equal(torn.status, 1);
    for (const { said } of [torn, { said: (await runCli(['status'], world.env)).stderr }]) {
      assert.match(said, /LEDGER_DAMAGED: .*has version 1, which has \d+ tables, and lacks blocks, threads\. .*DROP DATABASE/);
    }
  });

  test(`${flavour}: the newest block is found behind an XA transaction that was committed late`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), 'CREATE TABLE t (id INT PRIMARY KEY)');
    const daemon = await world.start();
    const xid = `'late_${world.schema}'`;
    await apartFromXa(world.source, async () => {
      await world.sql(`XA START ${xid}; INSERT INTO t VALUES (1); XA END ${xid}; XA PREPARE ${xid}`);
      await world.caughtUp();
      await world.sql('INSERT INTO t VALUES (2)');
      await world.caughtUp();
      await world.sql(`XA COMMIT ${xid}`);
    });
    await world.caughtUp();
    await daemon.stop();
    const blocks = (await world.ledgerRows('SELECT ordinal, last_block FROM transactions ORDER BY ordinal')).map(({ last_block }) => Number(last_block));
    assert.ok(blocks.at(-1)! < blocks.at(-2)!, `the last ordinal names an older block: ${blocks.join(', ')}`);
    await world.ledgerRows('UPDATE checkpoints SET next_block = ?', [blocks.at(-1)! + 1]);
    const { said } = await world.startFails();
    assert.match(said, new RegExp(`LEDGER_DAMAGED.*expected more than the newest block's, ${Math.max(...blocks)}.*next_block = ${Math.max(...blocks) + 1}`));
  });

  test(`${flavour}: one locked table does not keep the definitions of others from being read`, async () => {
    await using world = await World.open(source(flavour), backup(flavour), 'CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (id INT PRIMARY KEY); CREATE TABLE c (id INT PRIMARY KEY)');
    const first = await world.start();
    await world.caughtUp();
    await first.stop();
    await world.sql('INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)');
    const read = async (table: string): Promise<boolean> =>
      (await world.ledgerRows('SELECT id FROM definitions WHERE table_name = ? AND definition IS NOT NULL', [table])).length > 0;
    const [reader, renamer] = [await session(world), await session(world)];
    try {
      await reader.query('BEGIN; SELECT * FROM c');
      // Holds `a` exclusively while it waits for `c`.
      const renaming = renamer.query('RENAME TABLE a TO a2, c TO c2').catch((error: unknown) => error);
      await until('the RENAME waits', async () => (await ask(world.source, `SELECT id FROM ${PROCESS_LIST} WHERE state LIKE '%metadata lock%' AND info LIKE 'RENAME TABLE a %'`)).length > 0);
      await using daemon = await world.start();
      await until('the other table was read', () => read('b'));
      await ask(world.source, `KILL ${renamer.threadId}`);
      await renaming;
      // No rows of it follow: it is asked for again all the same.
      await until('the locked table was read', () => read('a'));
      await world.caughtUp();
      assert.deepEqual((await world.operations()).filter(({ type }) => type === 'INSERT').map(({ state }) => state), ['captured', 'captured']);
      await daemon.stop();
    } finally {
      reader.destroy();
      renamer.destroy();
    }
  });
}

async function session(world: World): Promise<Connection> {
  const { host, port, user, password } = world.source;
  const connection = await createConnection({ host, port, user, password, database: world.schema, multipleStatements: true });
  connection.on('error', () => undefined);
  return connection;
}
