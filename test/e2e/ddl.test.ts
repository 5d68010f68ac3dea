import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteName } from '../../src/core/identifiers.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

/** Without the counter, which moves with every row while a definition stays as it was read. */
async function shown(scene: Scene, table: string): Promise<string> {
  const [row] = await query(scene.db, `SHOW CREATE TABLE ${table}`);
  return String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '');
}

const tables = async (scene: Scene): Promise<string[]> =>
  (await query(scene.db, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name', [scene.schema])).map(({ name }) => String(name));

/** Runs one DDL, waits for its undo and returns the operation that holds it. */
async function ddl(scene: Scene, sql: string): Promise<Row> {
  await scene.caughtUp();
  const before = (await scene.operations()).length;
  await scene.db.query(sql);
  await scene.caughtUp();
  const made = (await scene.operations()).slice(before).filter((row) => Number(row.ddl) === 1 && row.state !== 'elsewhere' && row.state !== 'no-effect');
  assert.equal(made.length, 1, JSON.stringify(made));
  return made[0]!;
}

for (const source of sources()) describe(`DDL on ${source.kind}`, () => {
  it('is undone by what the backup tables hold', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query(`CREATE TABLE p (id INT PRIMARY KEY) ENGINE=InnoDB;
      CREATE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY, p INT, v VARCHAR(20) DEFAULT 'it''s \\\\ x' COMMENT 'a \`b\`, REFERENCES \`p\`', KEY (p), CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id)) ENGINE=InnoDB`);
    await using daemon = await scene.startDaemon();
    const undo = async ({ opid }: Row): Promise<void> => {
      // Without a default database, as everything is qualified.
      const session = await scene.session();
      await session.query(`USE ${quoteName(source.flavour === 'mysql' ? 'mysql' : 'information_schema')}`);
      await session.query(await scene.rollback(String(opid)));
      await session.end();
    };
    await scene.db.query('INSERT INTO p VALUES (1); INSERT INTO c VALUES (5, 1, DEFAULT)');
    await scene.caughtUp();

    const created = await ddl(scene, 'CREATE TABLE fresh (id INT PRIMARY KEY)');
    assert.equal(created.type, 'CREATETABLE');
    assert.equal(await scene.rollback(String(created.opid)), `DROP TABLE \`${scene.schema}\`.\`fresh\`;`);
    await undo(created);
    assert.deepEqual(await tables(scene), ['c', 'p']);

    const was = await shown(scene, 'c');
    const dropped = await ddl(scene, 'DROP TABLE c');
    await undo(dropped);
    assert.equal(await shown(scene, 'c'), was);
    const [kept] = await scene.ledgerRows('SELECT remark FROM operations WHERE opid = ?', [String(dropped.opid)]);
    assert.equal(kept?.remark, 'not brought back: rows that it held');

    // Inception's own example, and one of our own: one statement each.
    for (const sql of [
      'ALTER TABLE c RENAME TO c2, ADD COLUMN extra INT NOT NULL DEFAULT 3, ADD INDEX by_v (v), DROP COLUMN p, DROP FOREIGN KEY fk',
      "ALTER TABLE c MODIFY v VARCHAR(40) CHARACTER SET latin1 NOT NULL DEFAULT 'x' FIRST, COMMENT 'a; b'",
      'CREATE UNIQUE INDEX u ON c (id, v)',
    ]) {
      const altered = await ddl(scene, sql);
      assert.equal(altered.state, 'captured', sql);
      assert.equal((await scene.rollback(String(altered.opid))).replace(/'[^']*'/g, '').split(';').filter((part) => part.trim() !== '').length, 1, sql);
      await undo(altered);
      assert.equal(await shown(scene, 'c'), was, sql);
    }

    const renamed = await ddl(scene, 'RENAME TABLE p TO q');
    assert.deepEqual([renamed.table_name, renamed.type], ['q', 'RENAMETABLE'], 'under the new name');
    await undo(renamed);
    assert.deepEqual(await tables(scene), ['c', 'p']);

    // A swap is one statement, and so is its undo.
    const [c, p] = [await shown(scene, 'c'), await shown(scene, 'p')];
    const swapped = await ddl(scene, 'RENAME TABLE c TO tmp, p TO c, tmp TO p');
    assert.equal((await scene.rollback(String(swapped.opid))).split(';').filter((part) => part.trim() !== '').length, 1);
    await undo(swapped);
    assert.deepEqual([await shown(scene, 'c'), await shown(scene, 'p')], [c, p]);

    const view = await ddl(scene, 'CREATE VIEW w AS SELECT 1 AS one');
    await undo(view);
    assert.deepEqual(await tables(scene), ['c', 'p']);
    const procedure = await ddl(scene, 'CREATE PROCEDURE `a proc`() SELECT 1');
    await undo(procedure);
    assert.deepEqual(await query(scene.db, 'SELECT routine_name FROM information_schema.routines WHERE routine_schema = ?', [scene.schema]), []);

    await scene.caughtUp();
    // Readers by position never take DDL for a stretch of the binlog.
    const information = (await scene.information()).filter((row) => /^(ALTER|CREATE|DROP|RENAME)/.test(String(row.type)));
    for (const row of information) assert.deepEqual([row.start_binlog_file, Number(row.start_binlog_pos), row.end_binlog_file, Number(row.end_binlog_pos)], ['', 0, '', 0]);
    assert.deepEqual(new Set(information.map(({ type }) => type)), new Set(['ALTERTABLE', 'CREATEINDEX', 'CREATETABLE', 'DROPTABLE', 'RENAMETABLE', 'CREATEVIEW', 'CREATEPROCEDURE', 'DROPVIEW', 'DROPPROCEDURE']));
    await daemon.stop();
  });

  it('that cannot be undone is recorded with the reason', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await using daemon = await scene.startDaemon();
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)');
    await scene.caughtUp();
    const reasons: [string, string, RegExp][] = [
      ['TRUNCATE TABLE t', 'not-undoable', /rows that are not in the binlog/],
    ];
    for (const [sql, state, why] of reasons) {
      const operation = await ddl(scene, sql);
      assert.equal(operation.state, state, sql);
      const [kept] = await scene.ledgerRows('SELECT remark FROM operations WHERE opid = ?', [String(operation.opid)]);
      assert.match(String(kept?.remark), why);
      assert.ok((await scene.information()).some(({ opid_time }) => opid_time === operation.opid), `${sql} is told`);
      assert.deepEqual((await query(scene.log, `SELECT * FROM \`${scene.backupDatabase}\`.\`${String(operation.table_name) || '$_$schema$_$'}\` WHERE opid_time = ?`, [String(operation.opid)])), []);
    }
    await daemon.stop();
  });
});
