import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { meet } from '../support/catching-up.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

/** Operations on rows: table, state, and how many rows. */
async function rowOperations(scene: Scene): Promise<string[]> {
  return (await scene.operations()).filter(({ ddl }) => Number(ddl) === 0)
    .map((o: Row) => `${String(o.table_name)} ${String(o.state)} ${Number(o.inserted)}+${Number(o.updated)}+${Number(o.deleted)}`);
}

/** Tables of which the log holds rows. */
async function held(scene: Scene): Promise<string[]> {
  return (await scene.ledgerRows('SELECT DISTINCT table_name FROM block_keys ORDER BY table_name')).map(({ table_name: name }) => String(name));
}

async function fates(scene: Scene): Promise<string[]> {
  return (await scene.ledgerRows('SELECT * FROM copies ORDER BY id')).map((copy) => `${String(copy.table_name)} ${String(copy.kind)} of ${String(copy.of_table)}: ${String(copy.fate ?? 'goes on')}`);
}

async function applied(scene: Scene, ...args: string[]): Promise<string> {
  const script = await scene.cli('script', '--database', scene.schema, ...args);
  assert.equal(script.status, 0, script.stderr);
  const run = await scene.apply(script.stdout);
  assert.equal(run.status, 0, `${run.stdout}${run.stderr}`);
  return script.stdout;
}

for (const source of sources()) describe(`online schema changes on ${source.kind}`, () => {
  it('of gh-ost: rows of the copy and of its log are counted and not stored, also over a kill, and rows of the table are undone', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    const { db, schema } = scene;
    await db.query("CREATE TABLE g (id INT PRIMARY KEY, v VARCHAR(9)) ENGINE=InnoDB; INSERT INTO g VALUES (1, 'one'), (2, 'two'), (3, 'three')");
    const gone = await scene.startDaemon();
    await gone.logged('definitions_read');
    const start = await scene.reached();
    // The texts are those of gh-ost's applier.
    await db.query(`UPDATE g SET v = 'early' WHERE id = 1;
      create /* gh-ost */ table \`${schema}\`.\`_g_ghc\` ( id bigint unsigned auto_increment, last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        hint varchar(64) charset ascii not null, value varchar(4096) charset ascii not null, primary key(id), unique key hint_uidx(hint)) auto_increment=256;
      create /* gh-ost */ table \`${schema}\`.\`_g_gho\` like \`${schema}\`.\`g\`;
      alter /* gh-ost */ table \`${schema}\`.\`_g_gho\` ADD COLUMN n INT NOT NULL DEFAULT 5;
      insert /* gh-ost */ into \`${schema}\`.\`_g_ghc\` (id, hint, value) values (NULLIF(2, 0), 'state', 'GhostTableMigrated') on duplicate key update last_update=NOW(), value=VALUES(value);
      insert /* gh-ost \`${schema}\`.\`g\` */ ignore into \`${schema}\`.\`_g_gho\` (id, v) (select id, v from \`${schema}\`.\`g\` force index (PRIMARY) where id <= 2 lock in share mode)`);
    await scene.caughtUp();
    const { sources: [status] } = await scene.json<{ sources: { copies: Record<string, unknown>[] }[] }>('status');
    assert.deepEqual(status!.copies.map(({ table, of, operations, rows }) => ({ table, of, operations, rows })), [
      { table: `${schema}._g_ghc`, of: `${schema}.g`, operations: 1, rows: 1 }, { table: `${schema}._g_gho`, of: `${schema}.g`, operations: 1, rows: 2 },
    ]);
    await gone.kill();
    // While nobody looks: the rest of the copy, what the binlog carries over, a row by hand, and the swap.
    await db.query(`insert /* gh-ost */ ignore into _g_gho (id, v) (select id, v from g where id > 2 lock in share mode); DELETE FROM g WHERE id = 2;
      delete /* gh-ost */ from _g_gho where id = 2; INSERT INTO _g_gho (id, v) VALUES (9, 'by hand')`);
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    await db.query(`create /* gh-ost */ table _g_del (id int auto_increment primary key) engine=InnoDB comment='ghost-cut-over-sentry'; drop /* gh-ost */ table _g_del;
      rename /* gh-ost */ table g to _g_del, _g_gho to g; drop /* gh-ost */ table if exists _g_ghc; UPDATE g SET v = 'late' WHERE id = 3`);
    await scene.caughtUp();
    assert.deepEqual(await rowOperations(scene), [
      'g captured 0+1+0', '_g_ghc copied 1+0+0', '_g_gho copied 2+0+0', '_g_gho copied 1+0+0', 'g captured 0+0+1', '_g_gho copied 0+0+1', '_g_gho copied 1+0+0', 'g captured 0+1+0',
    ]);
    assert.deepEqual(await held(scene), ['g']);
    assert.deepEqual(await fates(scene), ['_g_ghc log of g: dropped', '_g_gho copy of g: swapped']);
    const found = await scene.cli('find', '--table', `${schema}._g_gho`, '--limit', '2');
    assert.match(found.stdout, /INSERT \S+_g_gho, 1 row \(copied\)[^]*rows counted, not stored: a copy of \S+g that an online schema change fills/);
    const verified = await scene.cli('verify', '--start-position', start);
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    // Who asks for what is not there is told so.
    const [copied] = (await scene.operations()).filter(({ state }) => state === 'copied');
    for (const named of [['--table', `${schema}._g_gho`, '--start-position', start], ['--opid', String(copied!.opid)]]) {
      const refused = await scene.cli('script', ...named);
      assert.equal(refused.status, 3, refused.stdout);
      assert.match(refused.stderr, /GAP_IN_RANGE: The log counted rows and did not store them, because an online schema change wrote them: \S+_g_gh[oc]/);
    }
    const script = await applied(scene, '--start-position', start);
    assert.match(script, /The online schema change of \S+g \(RENAMETABLE/);
    assert.deepEqual(await query(db, 'SELECT id, v, n FROM g ORDER BY id'), [
      { id: 1, v: 'one', n: 5 }, { id: 2, v: 'two', n: 5 }, { id: 3, v: 'three', n: 5 }, { id: 9, v: 'by hand', n: 5 },
    ]);
    await daemon.stop();
  });

  it('of pt-online-schema-change: what SHOW CREATE TABLE printed makes the copy, triggers fill it', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    const { db, schema } = scene;
    await db.query(`CREATE TABLE p (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE o (id INT PRIMARY KEY AUTO_INCREMENT, p INT, v VARCHAR(9) DEFAULT 'it''s', KEY (p), CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id)) ENGINE=InnoDB;
      CREATE TABLE _u (id INT PRIMARY KEY, v VARCHAR(9)) ENGINE=InnoDB; INSERT INTO p VALUES (1); INSERT INTO o VALUES (1, 1, 'one'), (2, NULL, 'two'), (3, 1, 'three'); INSERT INTO _u VALUES (1, 'one')`);
    await meet(scene);
    const gone = await scene.startDaemon();
    const start = await scene.reached();
    const [shown] = await query(db, 'SHOW CREATE TABLE o');
    const [under] = await query(db, 'SHOW CREATE TABLE _u');
    const made = String(shown!['Create Table']).replace('`o`', `\`${schema}\`.\`_o_new\``).replace('CONSTRAINT `fk`', 'CONSTRAINT `_fk`');
    await db.query(`UPDATE o SET v = 'early' WHERE id = 1; ${made}; ALTER TABLE _o_new ADD COLUMN n INT;
      CREATE TRIGGER pt_osc_${schema.slice(0, 20)}_o_del AFTER DELETE ON o FOR EACH ROW DELETE IGNORE FROM \`${schema}\`.\`_o_new\` WHERE \`${schema}\`.\`_o_new\`.\`id\` <=> OLD.\`id\`;
      INSERT LOW_PRIORITY IGNORE INTO _o_new (id, p, v) SELECT id, p, v FROM o FORCE INDEX (PRIMARY) WHERE id <= 2;
      ${String(under!['Create Table']).replace('`_u`', '`__u_new`')}; INSERT INTO __u_new SELECT * FROM _u`);
    await scene.caughtUp();
    await gone.kill();
    // A trigger writes to the copy in the transaction that changes the table.
    await db.query('DELETE FROM o WHERE id = 2; INSERT LOW_PRIORITY IGNORE INTO _o_new (id, p, v) SELECT id, p, v FROM o WHERE id > 2; DELETE FROM o WHERE id = 3');
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    await db.query("RENAME TABLE o TO _o_old, _o_new TO o; DROP TABLE IF EXISTS _o_old; UPDATE o SET v = 'late' WHERE id = 1; DROP TABLE __u_new");
    await scene.caughtUp();
    assert.deepEqual(await rowOperations(scene), [
      'o captured 0+1+0', '_o_new copied 2+0+0', '__u_new copied 1+0+0', 'o captured 0+0+1', '_o_new copied 0+0+1', '_o_new copied 1+0+0', 'o captured 0+0+1', '_o_new copied 0+0+1', 'o captured 0+1+0',
    ]);
    assert.deepEqual(await held(scene), ['o']);
    assert.deepEqual(await fates(scene), ['_o_new copy of o: swapped', '__u_new copy of _u: dropped']);
    await applied(scene, '--table', `${schema}.o`, '--start-position', start);
    assert.deepEqual(await query(db, 'SELECT id, p, v, n FROM o ORDER BY id'), [{ id: 1, p: 1, v: 'one', n: null }, { id: 2, p: null, v: 'two', n: null }, { id: 3, p: 1, v: 'three', n: null }]);
    await daemon.stop();
  });

  it('of which the log shows nothing are not guessed: tables that merely have such a name, and all with skipCopies=false', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    const { db, schema } = scene;
    await db.query('CREATE TABLE x (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE y (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE _y_gho LIKE y; INSERT INTO x VALUES (1), (2)');
    const first = await scene.startDaemon();
    await first.logged('definitions_read');
    const start = await scene.reached();
    // Not made as a copy; a copy of something else; made before the log began; a copy that was dropped, and the name used again.
    await db.query(`CREATE TABLE _x_new (id BIGINT PRIMARY KEY, v INT) ENGINE=InnoDB; INSERT INTO _x_new VALUES (1, 1); CREATE TABLE _x_ghc (id INT PRIMARY KEY); INSERT INTO _x_ghc VALUES (1);
      CREATE TABLE _z_gho LIKE x; INSERT INTO _z_gho VALUES (1); INSERT INTO _y_gho VALUES (1); CREATE TABLE _x_gho LIKE x; INSERT INTO _x_gho SELECT id FROM x; DROP TABLE _x_gho;
      CREATE TABLE _x_gho (id INT PRIMARY KEY, other INT) ENGINE=InnoDB; INSERT INTO _x_gho VALUES (7, 7)`);
    await scene.caughtUp();
    assert.deepEqual(await rowOperations(scene), [
      '_x_new captured 1+0+0', '_x_ghc captured 1+0+0', '_z_gho captured 1+0+0', '_y_gho captured 1+0+0', '_x_gho copied 2+0+0', '_x_gho captured 1+0+0',
    ]);
    // A copy that goes on under a name of its own has rows that the log does not hold: a script over that says so.
    await db.query('CREATE TABLE __x_new LIKE x; INSERT INTO __x_new SELECT id FROM x; RENAME TABLE __x_new TO own; DELETE FROM own WHERE id = 1');
    const stop = await scene.reached();
    assert.deepEqual(await fates(scene), ['_x_gho copy of x: dropped', '__x_new copy of x: kept']);
    const refused = await scene.cli('script', '--database', schema, '--start-position', start, '--stop-position', stop, '--allow', 'nonatomic', '--allow', 'dataloss');
    assert.equal(refused.status, 3, refused.stdout);
    assert.match(refused.stderr, /GAP_IN_RANGE: The log counted rows and did not store them, because an online schema change wrote them: \S+__x_new, 2 rows in 1 operation/);
    await db.query('CREATE TABLE _y_new LIKE y');
    await scene.caughtUp();
    await first.kill();
    await db.query('INSERT INTO _y_new VALUES (1)');
    await using daemon = await scene.startDaemon({ BINLOG_UNDO_SKIP_COPIES: 'false' });
    await scene.caughtUp();
    assert.deepEqual((await rowOperations(scene)).slice(6), ['__x_new copied 2+0+0', 'own captured 0+0+1', '_y_new captured 1+0+0']);
    await daemon.stop();
  });
});
