import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backup, connect, sources } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** Every table's definition, without the counter, and rows. */
async function state(scene: Scene): Promise<Record<string, string>> {
  const tables = await query(scene.db, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name', [scene.schema]);
  const found: Record<string, string> = {};
  for (const { name } of tables) {
    const [shown] = await query(scene.db, `SHOW CREATE TABLE \`${String(name)}\``);
    const rows = await query(scene.db, `SELECT * FROM \`${String(name)}\` ORDER BY 1`);
    found[String(name)] = `${String(shown?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '')}\n${JSON.stringify(rows)}`;
  }
  return found;
}

/** Definitions of tables that were there before the daemon are read when it first meets their schema, and count once the stream has passed that. */
async function settled(scene: Scene): Promise<void> {
  await scene.db.query('CREATE TABLE IF NOT EXISTS warm (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB');
  await until('every definition is proven', async () => {
    await scene.db.query('INSERT INTO warm VALUES ()');
    await scene.caughtUp();
    const [found] = await scene.ledgerRows("SELECT SUM(proven = 0) AS waiting, SUM(table_name = '') AS whole FROM definitions WHERE until_number IS NULL AND schema_name = ?", [scene.schema]);
    return Number(found?.whole) > 0 && Number(found?.waiting) === 0;
  });
}

async function made(scene: Scene, ...args: string[]): Promise<string> {
  const script = await scene.cli('script', '--database', scene.schema, ...args);
  assert.equal(script.status, 0, script.stderr);
  return script.stdout;
}

async function refused(scene: Scene, why: RegExp, ...args: string[]): Promise<void> {
  const script = await scene.cli('script', '--database', scene.schema, ...args);
  assert.equal(script.status, 3, script.stdout + script.stderr);
  assert.match(script.stderr, why);
}

async function applied(scene: Scene, script: string): Promise<void> {
  const run = await scene.apply(script);
  assert.equal(run.status, 0, `${run.stdout}${run.stderr}`);
}

for (const source of sources()) describe(`scripts over DDL on ${source.kind}`, () => {
  it('undo rows and DDL in one order, and nothing twice', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query(`CREATE TABLE p (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, p INT, v VARCHAR(9) DEFAULT 'x', KEY (p),
      CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id)) ENGINE=InnoDB; INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two')`);
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    const was = await state(scene);
    await scene.db.query(`UPDATE t SET v = 'changed' WHERE id = 1; CREATE TABLE IF NOT EXISTS t (other INT); ALTER TABLE t ADD COLUMN e INT NOT NULL DEFAULT 7 AFTER id, MODIFY v VARCHAR(40), ADD KEY by_v (v);
      INSERT INTO t VALUES (3, 8, 1, 'longer than nine'); UPDATE t SET e = 9 WHERE id = 2; RENAME TABLE t TO u; DELETE FROM u WHERE id = 1; UPDATE p SET n = 5;
      CREATE TABLE fresh (id INT PRIMARY KEY); INSERT INTO fresh VALUES (1), (2); ALTER TABLE fresh ADD COLUMN w INT; UPDATE fresh SET w = 1; CREATE INDEX i ON p (n);
      ALTER TABLE u RENAME TO final, CHANGE v text VARCHAR(50); UPDATE final SET text = 'last' WHERE id = 3; CREATE TABLE copied AS SELECT * FROM p`);
    const stop = await scene.reached();
    const range = ['--start-position', start, '--stop-position', stop];
    await refused(scene, /NOT_ATOMIC: CREATETABLE of \S+copied at \S+ and \d+ more cannot be rolled back/, ...range);
    // What is undone after DDL cannot be looked at before it, and is told by its number.
    const check = await scene.apply(await made(scene, ...range, '--allow', 'nonatomic', '--format', 'check'));
    assert.match(check.stdout, /\.t\t3 row changes\tnot looked at: the script undoes DDL first\n/);
    assert.doesNotMatch(check.stdout, /the row is gone|is taken/);
    const script = await made(scene, ...range, '--allow', 'nonatomic');
    assert.match(script, /^-- WARNING NOT_ATOMIC: /m);
    await applied(scene, script);
    assert.deepEqual(await state(scene), was);
    // A second time its own looks stop it.
    const again = await scene.apply(script);
    assert.notEqual(again.status, 0);
    assert.match(again.stderr, /copied' doesn't exist/);
    assert.deepEqual(await state(scene), was);
    // Also with a client that goes on after errors.
    await applyWithClient(source, script, ['--force']);
    assert.deepEqual(await state(scene), was);
    await daemon.stop();
  });

  it('change nothing on a server that is not the source, also for a client that goes on after errors', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    await scene.db.query('CREATE TABLE fresh (id INT PRIMARY KEY, v INT) ENGINE=InnoDB; INSERT INTO fresh VALUES (1, 1); ALTER TABLE fresh ADD COLUMN w INT');
    const script = await made(scene, '--start-position', start, '--stop-position', await scene.reached(), '--allow', 'nonatomic');
    // The very same table stands there, as on a clone.
    const other = await connect(scene.backup, { multipleStatements: true });
    try {
      await other.query(`CREATE DATABASE ${scene.schema}; USE ${scene.schema}; CREATE TABLE fresh (id INT PRIMARY KEY, v INT, w INT) ENGINE=InnoDB; INSERT INTO fresh VALUES (1, 1, NULL)`);
      await applyWithClient(scene.backup, script, ['--force']);
      assert.deepEqual(await query(other, 'SELECT * FROM fresh'), [{ id: 1, v: 1, w: null }]);
    } finally {
      await other.query(`DROP DATABASE ${scene.schema}`);
      await other.end();
    }
    await applied(scene, script);
    assert.deepEqual(Object.keys(await state(scene)), ['warm']);
    await daemon.stop();
  });

  it('are refused where data was lost, where others wrote, and where later DDL stays', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB; CREATE TABLE d (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1); INSERT INTO d VALUES (1)');
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    const { d } = await state(scene);
    await scene.db.query('INSERT INTO d VALUES (2); DROP TABLE d');
    const dropped = await scene.reached();
    const range = ['--start-position', start, '--stop-position', dropped];
    await refused(scene, /NOT_UNDOABLE: DROPTABLE of \S+d at \S+ is undone without rows that it held; 1 operations before it are left out/, ...range, '--allow', 'nonatomic');
    await applied(scene, await made(scene, ...range, '--allow', 'nonatomic', '--allow', 'dataloss'));
    assert.equal((await state(scene)).d, d!.replace(/\n[^\n]*$/, '\n[]'), 'the table is there, without its rows');

    const created = await scene.reached();
    await scene.db.query('CREATE TABLE fresh (id INT PRIMARY KEY); INSERT INTO fresh VALUES (1); ALTER TABLE t ADD COLUMN e INT DEFAULT 5, ADD COLUMN f VARCHAR(9)');
    const stop = await scene.reached();
    const window = ['--start-position', created, '--stop-position', stop, '--allow', 'nonatomic'];
    const clean = await made(scene, ...window);
    await scene.db.query('INSERT INTO fresh VALUES (2)');
    await scene.reached();
    await refused(scene, /CONFLICT: The undo of CREATETABLE of \S+fresh at \S+ would drop rows that 1 operation of 1 later transaction may have written/, ...window);
    const before = await state(scene);
    const late = await scene.apply(clean);
    assert.match(late.stderr, /1 rows hold later data, stopped/, 'the script looks for itself');
    const { fresh } = await state(scene);
    assert.equal(fresh, before.fresh!.replace('[{"id":1},{"id":2}]', '[{"id":2}]'), 'and stops before the drop');
    // What came before it in the script is done: the columns are gone.
    assert.doesNotMatch((await state(scene)).t!, /`e`/);
    await daemon.stop();
  });

  it('tell of cascades that were not logged although the table was altered or renamed since', { skip: source.kind === 'mysql-9.7' && 'they are logged there' }, async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query(`CREATE TABLE p (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE) ENGINE=InnoDB;
      INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1)`);
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    await scene.db.query('DELETE FROM p; ALTER TABLE p ADD COLUMN x INT');
    await refused(scene, /CASCADE_NOT_LOGGED/, '--start-position', start, '--stop-position', await scene.reached(), '--allow', 'nonatomic');
    await scene.db.query('INSERT INTO p VALUES (2, 0); INSERT INTO c VALUES (2, 2)');
    const next = await scene.reached();
    await scene.db.query('DELETE FROM p; RENAME TABLE p TO q; ALTER TABLE q RENAME TO r, ADD COLUMN y INT');
    await refused(scene, /CASCADE_NOT_LOGGED: What ON DELETE CASCADE of \S+ did to rows of \S+c when rows of \S+p changed/, '--start-position', next, '--stop-position', await scene.reached(), '--allow', 'nonatomic');
    await daemon.stop();
  });

  it('do not drop columns that others filled, and do not go around DDL that stays', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1)');
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    await scene.db.query('ALTER TABLE t ADD COLUMN e INT DEFAULT 5, ADD COLUMN f VARCHAR(9)');
    const stop = await scene.reached();
    const window = ['--start-position', start, '--stop-position', stop, '--allow', 'nonatomic'];
    await scene.db.query('INSERT INTO t (id, v) VALUES (2, 2)');
    await scene.reached();
    const script = await made(scene, ...window);
    await scene.db.query("UPDATE t SET f = 'mine' WHERE id = 2");
    await scene.reached();
    await refused(scene, /CONFLICT: The undo of ALTERTABLE of \S+t at \S+ would drop values in added columns that 2 operations of 2 later transactions/, ...window);
    const held = await state(scene);
    assert.match((await scene.apply(script)).stderr, /1 rows hold later data, stopped/);
    assert.deepEqual(await state(scene), held);
    await scene.db.query('ALTER TABLE t ADD COLUMN g INT');
    await scene.reached();
    await refused(scene, /NOT_UNDOABLE: ALTERTABLE of \S+t at \S+ cannot be undone: ALTERTABLE of \S+t at \S+ came after it and is not undone/, ...window);
    await daemon.stop();
  });

  it('take rows back through an ALTER that is not asked for', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT, w INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)');
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    await scene.db.query('UPDATE t SET v = 9 WHERE id = 1; ALTER TABLE t ADD COLUMN e INT FIRST, CHANGE v x BIGINT; DELETE FROM t WHERE id = 2; RENAME TABLE t TO u; UPDATE u SET x = 10');
    const stop = await scene.reached();
    const rows = ['--type', 'INSERT', '--type', 'UPDATE', '--type', 'DELETE'];
    await applied(scene, await made(scene, '--start-position', start, '--stop-position', stop, ...rows));
    assert.deepEqual(await query(scene.db, 'SELECT * FROM u ORDER BY id'), [{ e: null, id: 1, x: 1, w: 1 }, { e: null, id: 2, x: 2, w: 2 }]);
    // Where they do not fit, the ALTER cuts its table.
    const next = await scene.reached();
    await scene.db.query('UPDATE u SET w = 5; ALTER TABLE u DROP COLUMN w; UPDATE u SET x = 6');
    await scene.reached();
    await refused(scene, /NOT_UNDOABLE: ALTERTABLE of \S+u at \S+ is not undone, and rows from before do not fit: column w is gone; 1 operations before it are left out/, '--start-position', next, ...rows);
    await applied(scene, await made(scene, '--start-position', next, ...rows, '--allow', 'dataloss'));
    assert.deepEqual(await query(scene.db, 'SELECT id, x FROM u ORDER BY id'), [{ id: 1, x: 1 }, { id: 2, x: 2 }]);
    await daemon.stop();
  });

  it('go on where they stopped', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1)');
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    const was = await state(scene);
    await scene.db.query('CREATE DATABASE IF NOT EXISTS nothing_new; UPDATE t SET v = 2; ALTER TABLE t ADD COLUMN e INT; INSERT INTO t VALUES (2, 2, 2); ALTER TABLE t ADD KEY (e); UPDATE t SET e = 3 WHERE id = 2');
    const script = await made(scene, '--start-position', start, '--allow', 'nonatomic');
    await scene.db.query('UPDATE t SET v = 77 WHERE id = 2');
    const stopped = await scene.apply(script);
    assert.match(stopped.stderr, /binlog-undo: part 3 and what follows are not committed/);
    await scene.db.query('UPDATE t SET v = 2 WHERE id = 2');
    const cut = script.replace(/^-- part 1$[^]*?^-- part 3$/m, '');
    assert.match(script, /sed '\/\^-- part 1\$\/,\/\^-- part N\$\/d'/);
    await applied(scene, cut);
    assert.deepEqual(await state(scene), was);
    await scene.db.query('DROP DATABASE IF EXISTS nothing_new');
    await daemon.stop();
  });

  it('take rows back through the swap of an online schema change, which stays', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    for (const table of ['g', 'o']) await scene.db.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, v VARCHAR(9)) ENGINE=InnoDB; INSERT INTO ${table} VALUES (1, 'one'), (2, 'two'), (3, 'three')`);
    await using daemon = await scene.startDaemon();
    await settled(scene);
    const start = await scene.reached();
    // What gh-ost does: rows of the table go to the copy from the binlog.
    await scene.db.query(`UPDATE g SET v = 'early' WHERE id = 1; CREATE TABLE _g_gho LIKE g; ALTER TABLE _g_gho ADD COLUMN n INT NOT NULL DEFAULT 5; CREATE TABLE _g_ghc (id INT PRIMARY KEY, v INT);
      INSERT INTO _g_ghc VALUES (1, 1); INSERT IGNORE INTO _g_gho (id, v) SELECT id, v FROM g; DELETE FROM g WHERE id = 2; DELETE FROM _g_gho WHERE id = 2;
      RENAME TABLE g TO _g_del, _g_gho TO g; DROP TABLE _g_ghc; DROP TABLE _g_del; UPDATE g SET v = 'late' WHERE id = 3`);
    // And pt-online-schema-change: triggers carry them over.
    await scene.db.query(`UPDATE o SET v = 'early' WHERE id = 1; CREATE TABLE _o_new LIKE o; ALTER TABLE _o_new MODIFY v VARCHAR(20), ADD COLUMN n INT;
      CREATE TRIGGER pt_del AFTER DELETE ON o FOR EACH ROW DELETE IGNORE FROM _o_new WHERE id = OLD.id; INSERT LOW_PRIORITY IGNORE INTO _o_new (id, v) SELECT id, v FROM o;
      DELETE FROM o WHERE id = 2; RENAME TABLE o TO _o_old, _o_new TO o; DROP TABLE _o_old; UPDATE o SET v = 'late' WHERE id = 3`);
    await scene.reached();
    const script = await made(scene, '--start-position', start);
    assert.match(script, /^-- WARNING The online schema change of \S+g \(RENAMETABLE of \S+ at \S+\) stays/m);
    assert.doesNotMatch(script, /_[go]_(gho|new|old|del|ghc)`/);
    await applied(scene, script);
    for (const [table, n] of [['g', 5], ['o', null]] as const) {
      assert.deepEqual(await query(scene.db, `SELECT id, v, n FROM ${table} ORDER BY id`), [{ id: 1, v: 'one', n }, { id: 2, v: 'two', n }, { id: 3, v: 'three', n }]);
    }
    await daemon.stop();
  });
});
