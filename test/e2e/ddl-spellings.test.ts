import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteName } from '../../src/core/identifiers.ts';
import { comparePositions, formatPosition, type Position } from '../../src/core/position.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup, sources, type SharedServer } from '../support/servers.ts';
import { spellings, type Spelling } from './support/spellings.ts';

interface Step extends Spelling {
  readonly at: Position;
  readonly before: Readonly<Record<string, string>>;
}

/** Every table as SHOW CREATE TABLE prints it, without the counter, which moves with every row. */
async function definitions({ db, schema }: Scene): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name } of await query(db, "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'", [schema])) {
    const [row] = await query(db, `SHOW CREATE TABLE ${quoteName(schema)}.${quoteName(String(name))}`);
    found[String(name)] = String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '');
  }
  return found;
}

/** Does each of them, with rows of `t` before and after it. */
async function work(scene: Scene, other: string, spelled: readonly Spelling[]): Promise<Step[]> {
  const steps: Step[] = [];
  const rows = (i: number): Promise<unknown> => scene.db.query(
    `INSERT INTO t (id, n) VALUES (${100 + i}, ${i}); UPDATE t SET n = n + 1 WHERE id IN (1, ${100 + i}); DELETE FROM t WHERE id = ${2 + i}`);
  await rows(0);
  for (const [i, spelling] of spelled.entries()) {
    steps.push({ ...spelling, at: await scene.position(), before: await definitions(scene) });
    const session = await scene.session();
    for (const sql of spelling.first ?? []) await session.query(sql);
    if (spelling.from === 'other') await session.query(`USE ${quoteName(other)}`);
    const done = session.query(spelling.sql);
    await (spelling.effect === 'fails' ? assert.rejects(done, spelling.sql) : done);
    await session.end();
    await rows(i + 1);
  }
  return steps;
}

async function operationsFrom(scene: Scene, from: Position): Promise<Row[]> {
  await scene.caughtUp();
  return (await scene.operations()).filter((row) => comparePositions({ file: String(row.start_file), offset: Number(row.start_offset) }, from) >= 0);
}

const stepOf = (steps: readonly Step[], { end_file: file, end_offset: offset }: Row): Step | undefined =>
  steps.findLast(({ at }) => comparePositions(at, { file: String(file), offset: Number(offset) }) < 0);

async function contents(scene: Scene): Promise<unknown> {
  return [await definitions(scene), await scene.fingerprint(), await query(scene.db, 'SELECT * FROM t ORDER BY id')];
}

async function opened(source: SharedServer): Promise<Scene> {
  const scene = await Scene.open(source, backup(source.flavour));
  await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) NOT NULL DEFAULT 'of ''t''', n INT);
    INSERT INTO t (id, n) VALUES (1, 1), ${Array.from({ length: 40 }, (_, i) => `(${i + 2}, ${i % 3})`).join(', ')};
    CREATE TABLE doomed (id INT PRIMARY KEY, v VARCHAR(7) DEFAULT 'd'); CREATE TABLE doomed2 LIKE doomed`);
  return scene;
}

for (const source of sources()) describe(`spellings of DDL on ${source.kind}`, () => {
  it('are all understood: rows around them and they themselves are taken back', async () => {
    await using scene = await opened(source);
    const other = `${scene.schema}_other`;
    await scene.db.query(`CREATE DATABASE ${quoteName(other)}; CREATE TABLE ${quoteName(other)}.t (other DATE PRIMARY KEY)`);
    try {
      await using daemon = await scene.startDaemon();
      await daemon.logged('definitions_read');
      await scene.caughtUp();
      const spelled = spellings(source.flavour, scene.schema);
      const was = await contents(scene);

      // By a script over all of it.
      const start = await scene.position();
      await work(scene, other, spelled);
      const stop = await scene.position();
      await scene.caughtUp();
      const script = await scene.cli('script', '--start-position', formatPosition(start), '--stop-position', formatPosition(stop), '--allow', 'nonatomic', '--allow', 'dataloss');
      assert.equal(script.status, 0, script.stderr);
      const applied = await scene.apply(script.stdout);
      assert.equal(applied.status, 0, applied.stderr);
      assert.deepEqual(await contents(scene), was);

      // By the backup tables, one after the other, in a session that has another table of that name.
      const again = await scene.position();
      const steps = await work(scene, other, spelled);
      const made = await operationsFrom(scene, again);
      assert.deepEqual(made.filter(({ state }) => state === 'definition-unknown' || state === 'not-undoable').map((row) => [row.statement, row.state]), []);
      for (const step of steps) {
        const told = made.filter((row) => Number(row.ddl) === 1 && row.state === 'captured' && stepOf(steps, row) === step);
        assert.equal(told.length, step.effect === 'one' ? 1 : 0, `${step.sql}: ${JSON.stringify(told)}`);
      }
      const session = await scene.session();
      await session.query(`USE ${quoteName(other)}`);
      for (const operation of made.toReversed()) {
        if (operation.state !== 'captured') continue;
        await session.query(await scene.rollback(String(operation.opid)));
        if (Number(operation.ddl) === 1) assert.deepEqual(await definitions(scene), stepOf(steps, operation)?.before, String(operation.statement));
      }
      await session.end();
      assert.deepEqual(await contents(scene), was);
      assert.deepEqual(await scene.gaps(), []);
      await daemon.stop();
    } finally {
      await scene.db.query(`DROP DATABASE ${quoteName(other)}`);
    }
  });

  it('are understood also of an exchange of partitions, which is not undone and says so', async () => {
    await using scene = await opened(source);
    const columns = '(id INT PRIMARY KEY, v VARCHAR(20), n INT)';
    await scene.db.query(`CREATE TABLE parts ${columns} PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN MAXVALUE);
      CREATE TABLE single ${columns}; INSERT INTO parts VALUES (1, 'low', 1), (2, 'low too', 2), (101, 'high', 3); INSERT INTO single VALUES (5, 'single', 5)`);
    await using daemon = await scene.startDaemon();
    await daemon.logged('definitions_read');
    await scene.caughtUp();
    const rows = async (): Promise<unknown> => [await definitions(scene), await query(scene.db, 'SELECT * FROM parts ORDER BY id'), await query(scene.db, 'SELECT * FROM single ORDER BY id')];
    const start = await scene.position();
    await scene.db.query("UPDATE parts SET v = 'before' WHERE id = 1; INSERT INTO single VALUES (6, 'before', 6); UPDATE t SET n = 70 WHERE id = 1");
    const exchanged = await scene.position();
    const definedAs = await definitions(scene);
    await scene.db.query('ALTER TABLE parts EXCHANGE PARTITION low WITH TABLE single');
    const kept = await rows();
    assert.deepEqual(await definitions(scene), definedAs);
    await scene.db.query("UPDATE parts SET v = 'after' WHERE id = 6; DELETE FROM single WHERE id = 1; INSERT INTO single VALUES (7, 'after', 7); INSERT INTO parts VALUES (102, 'after', 8); UPDATE t SET n = 71 WHERE id = 1");
    const stop = await scene.position();

    const made = await operationsFrom(scene, start);
    const ddl = made.filter((row) => Number(row.ddl) === 1);
    assert.deepEqual(ddl.map((row) => [row.table_name, row.state]), [['parts', 'not-undoable'], ['single', 'elsewhere']]);
    const [remark] = await scene.ledgerRows('SELECT remark FROM operations WHERE opid = ?', [String(ddl[0]!.opid)]);
    assert.match(String(remark?.remark), /exchanged/);
    assert.ok(made.every((row) => Number(row.ddl) === 1 || row.state === 'captured'));

    const range = (from: Position, to: Position, ...more: string[]): string[] => ['script', '--start-position', formatPosition(from), '--stop-position', formatPosition(to), ...more];
    const refused = await scene.cli(...range(start, stop));
    assert.equal(refused.status, 3, refused.stdout);
    assert.match(refused.stderr, /NOT_UNDOABLE: ALTERTABLE of [^ ]*single .* \(and 1 more/);
    // The rows alone are refused as well: those of before lie in the other table now.
    const rowsAlone = await scene.cli(...range(start, stop, '--type', 'INSERT', '--type', 'UPDATE', '--type', 'DELETE'));
    assert.equal(rowsAlone.status, 3, rowsAlone.stdout);

    // What came before it and is undone by itself does not find its rows: nothing is changed.
    const current = await rows();
    const early = await scene.cli(...range(start, exchanged, '--table', `${scene.schema}.parts`, '--table', `${scene.schema}.single`));
    assert.equal(early.status, 0, early.stderr);
    assert.match((await scene.apply(early.stdout)).stderr, /rows have changed since, nothing is committed/);
    assert.deepEqual(await rows(), current);

    // With consent, all but the rows of these two tables before it.
    const script = await scene.cli(...range(start, stop, '--allow', 'dataloss'));
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await rows(), kept);
    assert.deepEqual(await query(scene.db, 'SELECT n FROM t WHERE id = 1'), [{ n: 1 }], 'rows of another table before it');
    assert.deepEqual(await scene.gaps(), []);
    await daemon.stop();
  });

  it('are understood also of partitions that become tables and the reverse', { skip: source.flavour === 'mysql' && 'MariaDB alone has them' }, async () => {
    await using scene = await opened(source);
    await scene.db.query(`CREATE TABLE parts (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN (200));
      INSERT INTO parts VALUES (1, 'low'), (101, 'high')`);
    await using daemon = await scene.startDaemon();
    await daemon.logged('definitions_read');
    await scene.caughtUp();
    const start = await scene.position();
    await scene.db.query("UPDATE parts SET v = 'before' WHERE id = 1; ALTER TABLE parts CONVERT PARTITION high TO TABLE apart");
    const apart = await scene.position();
    await scene.db.query("UPDATE apart SET v = 'apart' WHERE id = 101; INSERT INTO apart VALUES (102, 'apart'); ALTER TABLE apart ADD COLUMN n INT; UPDATE apart SET n = 1; ALTER TABLE apart DROP COLUMN n");
    const joined = await scene.position();
    await scene.db.query("ALTER TABLE parts CONVERT TABLE apart TO PARTITION high VALUES LESS THAN (200); UPDATE parts SET v = 'after' WHERE id > 100");
    const stop = await scene.position();
    const made = await operationsFrom(scene, start);
    assert.deepEqual(made.filter((row) => Number(row.ddl) === 0).map(({ table_name: table, state }) => [table, state]),
      [['parts', 'captured'], ['apart', 'captured'], ['apart', 'captured'], ['apart', 'captured'], ['parts', 'captured']]);
    assert.deepEqual(await scene.gaps(), []);
    // Rows went from one table to the other without a word in the binlog: what lies before that is cut off, and said so.
    const range = (from: Position, to: Position, ...more: string[]): string[] => ['script', '--start-position', formatPosition(from), '--stop-position', formatPosition(to), ...more];
    for (const [from, to] of [[start, apart], [joined, stop], [start, stop]] as const) {
      const refused = await scene.cli(...range(from, to, '--allow', 'nonatomic'));
      assert.equal(refused.status, 3, refused.stdout);
      assert.match(refused.stderr, /NOT_UNDOABLE: ALTERTABLE of \S+(parts|apart) /);
    }
    // What came since is taken back.
    const after = await scene.cli(...range(joined, stop, '--type', 'UPDATE', '--allow', 'dataloss'));
    assert.equal(after.status, 0, after.stderr);
    assert.equal((await scene.apply(after.stdout)).status, 0);
    assert.deepEqual(await query(scene.db, 'SELECT * FROM parts ORDER BY id'), [{ id: 1, v: 'before' }, { id: 101, v: 'apart' }, { id: 102, v: 'apart' }]);
    await daemon.stop();
  });
});
