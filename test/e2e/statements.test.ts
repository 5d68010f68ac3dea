import assert from 'node:assert/strict';
import { writeFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type Flavour, type RunningServer } from '../../deploy/provision/index.ts';
import type { Daemon } from '../support/daemon.ts';
import { Scene, type Row } from '../support/scene.ts';
import { backup, sources, type SharedServer } from '../support/servers.ts';
import { XA_BEGINS, XA_OVER } from '../support/xa.ts';

const TABLES = `
  CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40), n INT DEFAULT 0);
  CREATE TABLE b (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40), n INT DEFAULT 0);
  CREATE TABLE plain (id INT PRIMARY KEY, v VARCHAR(40)) ENGINE=MyISAM;
  CREATE TABLE aria (id INT PRIMARY KEY, v VARCHAR(40)) /*M! ENGINE=Aria */;
  CREATE TABLE parent (id INT PRIMARY KEY, v INT);
  CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE);
  CREATE TABLE audited (id INT PRIMARY KEY AUTO_INCREMENT, v INT);
  CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(40));
  CREATE TRIGGER audited_insert AFTER INSERT ON audited FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('inserted ', NEW.v));
  INSERT INTO a (v) VALUES ('a1'), ('a2'), ('a3');
  INSERT INTO b (v) VALUES ('b1'), ('b2');
  INSERT INTO plain VALUES (1, 'p1'), (2, 'p2');
  INSERT INTO aria SELECT * FROM plain;
  INSERT INTO parent VALUES (1, 1), (2, 2);
  INSERT INTO child VALUES (10, 1), (11, 1), (20, 2);
  UPDATE a SET n = 1; UPDATE b SET n = 1; UPDATE plain SET v = CONCAT(v, '!'); UPDATE aria SET v = CONCAT(v, '!'); UPDATE parent SET v = 3;
  UPDATE child SET id = id + 1 ORDER BY id DESC; INSERT INTO audited (v) VALUES (0);`;

const brief = (rows: readonly Row[]): string[] =>
  rows.map((row) => `${String(row.type)} ${String(row.table_name)} ${Number(row.inserted)}/${Number(row.updated)}/${Number(row.deleted)}`);

interface Case {
  readonly what: string;
  readonly flavour: Flavour;
  /** Null: a server of its own. */
  readonly shared: SharedServer | null;
}

/** MySQL with GTIDs refuses to mix engines in a transaction, so it is tested without them as well. */
const CASES: readonly Case[] = [
  ...sources().map((source) => ({ what: source.kind, flavour: source.flavour, shared: source })),
  { what: 'mysql-9.7 without GTIDs', flavour: 'mysql', shared: null },
];

for (const { what, flavour, shared } of CASES) describe(`statements and transactions on ${what}`, () => {
  let scene: Scene;
  let daemon: Daemon;
  let own: RunningServer | null = null;
  const maria = flavour === 'mariadb';
  const strict = shared?.flavour === 'mysql' && 'refused by enforce_gtid_consistency';

  before(async () => {
    if (!shared) own = await startServer('mysql-9.7', { gtid: false, bufferPoolMiB: 32 });
    scene = await Scene.open(shared ?? own!, backup(maria ? 'mysql' : 'mariadb'));
    daemon = await scene.startDaemon();
    await scene.db.query(TABLES);
    await scene.caughtUp();
  });
  after(async () => {
    await daemon.stop();
    await scene[Symbol.asyncDispose]();
    await own?.stop();
  });

  /** Does something, and gives the operations that it left in the log. */
  async function captured(work: string | (() => Promise<void>)): Promise<Row[]> {
    await scene.caughtUp();
    const known = (await scene.operations()).length;
    if (typeof work === 'string') await scene.db.query(work);
    else await work();
    await scene.caughtUp();
    return (await scene.operations()).slice(known);
  }

  /** As `captured`; then takes it back with the backup tables, newest first, and compares every table. */
  async function undone(work: string | (() => Promise<void>), expected: readonly string[], look: (made: readonly Row[]) => void = () => undefined): Promise<void> {
    const before = await scene.fingerprint();
    const made = await captured(work);
    assert.deepEqual(brief(made), expected);
    await scene.undo(made);
    assert.deepEqual(await scene.fingerprint(), before);
    look(made);
  }

  it('keeps the order of several statements in one transaction', async () => {
    await undone(
      "BEGIN; INSERT INTO a (v) VALUES ('x'); UPDATE a SET v = 'y' WHERE v = 'x'; INSERT INTO b (v) VALUES ('z'); DELETE FROM a WHERE v = 'y'; COMMIT",
      ['INSERT a 1/0/0', 'UPDATE a 0/1/0', 'INSERT b 1/0/0', 'DELETE a 0/0/1'],
      (made) => {
        assert.equal(new Set(made.map((row) => row.ordinal)).size, 1);
        assert.deepEqual(made.map((row) => Number(row.seq)), [1, 2, 3, 4]);
      });
  });

  it('drops what a ROLLBACK took back', async () => {
    assert.deepEqual(await captured("BEGIN; INSERT INTO a (v) VALUES ('gone'); ROLLBACK"), []);
  });

  it('drops what ROLLBACK TO SAVEPOINT took back', () => undone(
    "BEGIN; INSERT INTO a (v) VALUES ('1'); SAVEPOINT s; INSERT INTO a (v) VALUES ('2'); ROLLBACK TO s; INSERT INTO b (v) VALUES ('3'); COMMIT",
    ['INSERT a 1/0/0', 'INSERT b 1/0/0']));

  it('keeps rows of a non-transactional table through ROLLBACK', { skip: strict }, () => undone(
    "BEGIN; INSERT INTO a (v) VALUES ('gone'); INSERT INTO plain VALUES (50, 'stays'); UPDATE plain SET v = 'also' WHERE id = 1; ROLLBACK",
    ['INSERT plain 1/0/0', 'UPDATE plain 0/1/0']));

  it('keeps rows of a non-transactional table through ROLLBACK TO SAVEPOINT', { skip: strict }, () => undone(
    "BEGIN; INSERT INTO a (v) VALUES ('kept'); SAVEPOINT s; INSERT INTO a (v) VALUES ('gone'); INSERT INTO plain VALUES (60, 'stays'); ROLLBACK TO s; COMMIT",
    // A non-transactional table's rows are logged at once, ahead of the transaction around them.
    ['INSERT plain 1/0/0', 'INSERT a 1/0/0']));

  // Aria refuses SAVEPOINT in a transaction that has written to it.
  it('keeps rows of Aria tables through ROLLBACK, also between those of others', { skip: !maria && 'MariaDB only' }, () => undone(
    "BEGIN; INSERT INTO a (v) VALUES ('gone'); INSERT INTO aria VALUES (70, 'stays'); UPDATE plain SET v = 'too' WHERE id = 2; UPDATE aria SET v = 'stays' WHERE id = 1; DELETE FROM aria WHERE id = 2; UPDATE a SET n = 9; ROLLBACK; "
      + "BEGIN; DELETE FROM aria WHERE id = 70; INSERT INTO b (v) VALUES ('kept'); COMMIT",
    ['INSERT aria 1/0/0', 'UPDATE plain 0/1/0', 'UPDATE aria 0/1/0', 'DELETE aria 0/0/1', 'DELETE aria 0/0/1', 'INSERT b 1/0/0']));

  it('captures what one statement writes into tables of two engines', { skip: strict }, () => undone(
    `UPDATE a, plain, aria SET a.v = 'both', plain.v = 'both', aria.v = 'both' WHERE a.id = 1 AND plain.id = 1 AND aria.id = 1`,
    maria ? ['UPDATE plain 0/1/0', 'UPDATE aria 0/1/0', 'UPDATE a 0/1/0'] : ['UPDATE plain 0/1/0', 'UPDATE a 0/1/0', 'UPDATE aria 0/1/0']));

  it('captures single statements on a MyISAM table', () => undone("DELETE FROM plain; INSERT INTO plain VALUES (9, 'p9')", ['DELETE plain 0/0/2', 'INSERT plain 1/0/0']));

  it('captures what a trigger writes as a part of its statement', async () => {
    const sql = 'INSERT INTO audited (v) VALUES (1), (2)';
    await undone(sql, ['INSERT audited 2/0/0', 'INSERT audit 2/0/0'], (made) => assert.deepEqual(made.map((row) => row.statement), [sql, sql]));
  });

  it('captures children that a foreign key deletes, where the server logs them', { skip: maria && 'MariaDB does not log cascades' }, async () => {
    const before = await scene.fingerprint();
    const made = await captured('DELETE FROM parent WHERE id = 1');
    assert.deepEqual(brief(made).sort(), ['DELETE child 0/0/2', 'DELETE parent 0/0/1']);
    const session = await scene.session();
    await session.query('SET foreign_key_checks = 0');
    for (const { opid } of made) await session.query(await scene.rollback(String(opid)));
    await session.end();
    assert.deepEqual(await scene.fingerprint(), before);
  });

  it('captures LOAD DATA', { skip: what.endsWith('-dsn') && 'the file must be on the server' }, async () => {
    const file = join(tmpdir(), `${scene.schema}.tsv`);
    await writeFile(file, '101\tone\n102\ttwo\n103\tthree\n', { mode: 0o644 });
    try {
      await undone(`LOAD DATA INFILE '${file}' INTO TABLE a (id, v)`, ['INSERT a 3/0/0']);
    } finally {
      await rm(file);
    }
  });

  it('captures the rows of CREATE TABLE ... SELECT, and the table as DDL', async () => {
    const made = await captured('CREATE TABLE made (PRIMARY KEY (id)) SELECT id, v FROM a');
    assert.deepEqual(brief(made), ['CREATETABLE made 0/0/0', 'INSERT made 3/0/0']);
    assert.deepEqual(made.map((row) => row.state), ['captured', 'captured']);
    await scene.undo(made);
    const [left] = await scene.db.query('SELECT * FROM made');
    assert.deepEqual(left, []);
  });

  it('keeps a DROP that a failed CREATE OR REPLACE left', { skip: !maria && 'MariaDB only' }, async () => {
    const made = await captured(async () => {
      await scene.db.query('CREATE TABLE replaced (id INT PRIMARY KEY); INSERT INTO replaced VALUES (1)');
      await assert.rejects(scene.db.query('CREATE OR REPLACE TABLE replaced (id INT PRIMARY KEY) SELECT 1 AS id UNION ALL SELECT 1'));
    });
    const [tables] = await scene.db.query("SHOW TABLES LIKE 'replaced'");
    assert.deepEqual(tables, []);
    assert.equal(made.some((row) => row.type === 'DROPTABLE' || row.type === 'CREATETABLE'), true);
    assert.equal(made.at(-1)?.ddl, 1);
  });

  it('reads each row by the definition of its time', async () => {
    await scene.db.query("CREATE TABLE changing (id INT PRIMARY KEY, v VARCHAR(20), w INT); INSERT INTO changing VALUES (1, 'one', 1), (2, 'two', 2)");
    await scene.caughtUp();
    const made = await captured(async () => {
      await scene.db.query("UPDATE changing SET v = 'before'");
      await scene.caughtUp();
      await scene.db.query('ALTER TABLE changing ADD COLUMN first_one INT NOT NULL DEFAULT 7 FIRST, DROP COLUMN w');
      await scene.db.query("UPDATE changing SET v = 'after', first_one = 8");
    });
    assert.deepEqual(brief(made), ['UPDATE changing 0/2/0', 'ALTERTABLE changing 0/0/0', 'UPDATE changing 0/2/0']);
    // The ALTER's own undo needs a backup server of the source's flavour (docs/ddl.md), which this is not.
    assert.deepEqual(made.filter(({ ddl }) => Number(ddl) === 0).map(({ state }) => state), ['captured', 'captured']);
    await scene.undo(made);
    const [left] = await scene.db.query({ sql: 'SELECT first_one, id, v FROM changing', rowsAsArray: true });
    assert.deepEqual(left, [[7, 1, 'one'], [7, 2, 'two']]);
  });

  it('captures XA transactions when they commit, also over a restart of the daemon', async () => {
    const xa = (name: string, value: string): string =>
      `${XA_BEGINS}; XA START '${name}'; INSERT INTO a (v) VALUES ('${value}'); UPDATE b SET v = '${value}' WHERE id = 1; XA END '${name}'; XA PREPARE '${name}'`;
    await undone(`${xa('x1', 'kept')}; XA COMMIT 'x1'; ${XA_OVER}`, ['INSERT a 1/0/0', 'UPDATE b 0/1/0'],
      (made) => assert.equal(new Set(made.map((row) => row.ordinal)).size, 1));
    assert.deepEqual(await captured(`${xa('x2', 'gone')}; XA ROLLBACK 'x2'; ${XA_OVER}`), []);
    await undone("XA START 'x3'; INSERT INTO a (v) VALUES ('one phase'); XA END 'x3'; XA COMMIT 'x3' ONE PHASE", ['INSERT a 1/0/0']);
    await undone(async () => {
      await scene.db.query(xa('x4', 'late'));
      await scene.caughtUp();
      await daemon.kill();
      const other: Connection = await scene.session();
      await other.query("INSERT INTO audited (v) VALUES (5)");
      daemon = await scene.startDaemon();
      await scene.db.query(`XA COMMIT 'x4'; ${XA_OVER}`);
      await other.end();
    }, ['INSERT audited 1/0/0', 'INSERT audit 1/0/0', 'INSERT a 1/0/0', 'UPDATE b 0/1/0']);
    assert.equal((await scene.gaps()).some((gap) => gap.reason === 'xa'), false);
  });

  it('notes statement-format DML as a gap of its table', async () => {
    const session = await scene.session();
    await session.query("SET SESSION binlog_format = 'STATEMENT'");
    const made = await captured(async () => {
      await session.query("UPDATE a SET v = 'statement' WHERE id = 1");
    });
    await session.end();
    assert.deepEqual(made, []);
    const gaps = (await scene.gaps()).filter((gap) => gap.reason === 'statement-dml');
    assert.deepEqual(gaps.map((gap) => [gap.reason, gap.schema_name, gap.table_name]), [['statement-dml', scene.schema, 'a']]);
  });
});
