import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { INFORMATION_TABLE, LEDGER_MARK_TABLE } from '../../src/core/undo-tables.ts';
import { Scene } from '../support/scene.ts';
import { backup, backups, sources } from '../support/servers.ts';

for (const source of sources()) describe(`what is never captured on ${source.kind}`, () => {
  it('leaves out ledgers, goInception databases and system schemas, whoever writes there', async () => {
    const names = ['foreign_ledger', 'foreign_backup', 'later_backup'] as const;
    const scene = await Scene.open(source, backup('mysql'));
    const schema = (name: string): string => `${scene.schema}_${name}`;
    try {
      const ledger = `CREATE DATABASE ${schema('foreign_ledger')}; CREATE TABLE ${schema('foreign_ledger')}.${LEDGER_MARK_TABLE} (version INT PRIMARY KEY);
        CREATE TABLE ${schema('foreign_ledger')}.anything (id INT PRIMARY KEY)`;
      const backupDatabase = (name: string): string => `CREATE DATABASE ${schema(name)}; CREATE TABLE ${schema(name)}.\`${INFORMATION_TABLE}\` (opid_time VARCHAR(50) PRIMARY KEY);
        CREATE TABLE ${schema(name)}.orders (id INT PRIMARY KEY)`;
      const rows = (name: string, table: string): string => `INSERT INTO ${schema(name)}.${table} VALUES (1); UPDATE ${schema(name)}.${table} SET id = 2; DELETE FROM ${schema(name)}.${table}`;
      await scene.db.query(`${ledger}; ${backupDatabase('foreign_backup')}; CREATE TABLE mine (id INT PRIMARY KEY)`);
      // Named by the operator, and still left alone.
      const included = [scene.schema, 'mysql', ...names.map(schema)].join(',');
      await using daemon = await scene.startDaemon({ BINLOG_UNDO_INCLUDE_DATABASE: included });
      await scene.db.query(`${rows('foreign_ledger', 'anything')}; ${rows('foreign_backup', 'orders')}; INSERT INTO mine VALUES (1)`);
      // Made while the daemon runs: known from its information table on.
      await scene.db.query(`${backupDatabase('later_backup')}; ${rows('later_backup', 'orders')}; INSERT INTO ${schema('later_backup')}.\`${INFORMATION_TABLE}\` VALUES ('x')`);
      await scene.db.query(source.flavour === 'mysql'
        ? "INSERT INTO mysql.help_keyword VALUES (999999, 'binlog-undo test'); DELETE FROM mysql.help_keyword WHERE help_keyword_id = 999999"
        : "INSERT INTO mysql.help_keyword VALUES (999999, 'binlog-undo test'); DELETE FROM mysql.help_keyword WHERE help_keyword_id = 999999; CREATE TABLE mysql.undo_test (id INT); DROP TABLE mysql.undo_test");
      await scene.db.query('INSERT INTO mine VALUES (2)');
      await scene.caughtUp();
      const captured = (await scene.operations()).map((row) => `${String(row.schema_name)} ${String(row.type)} ${String(row.table_name)}`);
      // CREATE DATABASE comes before anybody can tell what it will hold.
      const early = `${schema('later_backup')} CREATEDB `;
      assert.deepEqual(captured.filter((line) => line !== early), Array<string>(2).fill(`${scene.schema} INSERT mine`));
      assert.deepEqual(await scene.gaps(), []);
      await daemon.stop();
    } finally {
      for (const name of names) await scene.db.query(`DROP DATABASE IF EXISTS ${schema(name)}`);
      await scene[Symbol.asyncDispose]();
    }
  });

  it('keeps to the filters of the operator, with the ids that all would have', async () => {
    await using scene = await Scene.open(source, backup('mariadb'));
    await scene.db.query('CREATE TABLE wanted (id INT PRIMARY KEY, v INT); CREATE TABLE other (id INT PRIMARY KEY, v INT)');
    await using all = await Scene.open(source, backup('mariadb'), { of: scene });
    await using whole = await all.startDaemon();
    await using filtered = await scene.startDaemon({ BINLOG_UNDO_EXCLUDE_TABLE: `${scene.schema}.other` });
    await scene.db.query('BEGIN; INSERT INTO other VALUES (1, 1); INSERT INTO wanted VALUES (1, 1); UPDATE wanted w JOIN other o USING (id) SET o.v = 5, w.v = 5; COMMIT; DELETE FROM other; DELETE FROM wanted');
    // DDL on a table that nobody wants ends nothing, and what comes after it is there.
    await scene.db.query('ALTER TABLE other MODIFY v VARCHAR(20), ADD COLUMN w INT FIRST; TRUNCATE TABLE other; INSERT INTO other VALUES (1, 2, 3); INSERT INTO wanted VALUES (2, 2)');
    await Promise.all([scene.caughtUp(), all.caughtUp()]);
    const ids = async (from: Scene): Promise<string[]> => (await from.operations()).filter((row) => row.table_name === 'wanted').map((row) => `${String(row.opid)} ${String(row.type)}`);
    assert.equal((await ids(scene)).length, 4);
    assert.deepEqual(await ids(scene), await ids(all));
    assert.equal((await scene.operations()).length, 4);
    assert.equal((await all.operations()).length, 10);
    assert.deepEqual(await scene.gaps(), []);
    const eras = await scene.ledgerRows('SELECT filter FROM eras');
    assert.deepEqual(eras.map((era) => JSON.parse(String(era.filter)) as unknown), [
      { includeDatabases: [scene.schema], includeTables: [], excludeDatabases: [], excludeTables: [`${scene.schema}.other`] }]);
    await filtered.stop();
    await whole.stop();
  });
});

describe('several sources', () => {
  it('share one backup server and one ledger', async () => {
    const [first, ...rest] = sources();
    await using one = await Scene.open(first!, backups()[0]!);
    const scenes = [one];
    for (const source of rest) scenes.push(await Scene.open(source, backups()[0]!, { ledger: one.ledger }));
    const before = await Promise.all(scenes.map(async (scene) => {
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT); INSERT INTO t (v) VALUES (1), (2), (3)');
      return scene.fingerprint();
    }));
    const daemons = await Promise.all(scenes.map((scene) => scene.startDaemon()));
    await Promise.all(scenes.map(async (scene, i) => {
      for (let n = 0; n <= 20 + i; n++) await scene.db.query(`UPDATE t SET v = v + 1 WHERE id = ${1 + (n % 3)}; INSERT INTO t (v) VALUES (${n})`);
      await scene.caughtUp();
    }));
    for (const [i, scene] of scenes.entries()) {
      const operations = await scene.operations();
      assert.equal(operations.length, 2 * (21 + i));
      assert.deepEqual(operations.map((row) => Number(row.ordinal)), operations.map((_, n) => n + 1));
      await scene.undo(operations);
      assert.deepEqual(await scene.fingerprint(), before[i]);
    }
    // Several sources: who is meant must be said.
    const ambiguous = await one.cli('status');
    assert.equal([0, 2].includes(ambiguous.status), true, ambiguous.stderr);
    const script = await one.cli('script', '--database', one.schema);
    assert.equal(script.status, 2);
    assert.match(script.stderr, /SOURCE_AMBIGUOUS/);
    for (const daemon of daemons) await daemon.stop();
    for (const scene of scenes.slice(1)) {
      await scene.db.query(`DROP DATABASE ${scene.schema}`);
      await scene.db.end();
      await scene.log.end();
    }
  });
});
