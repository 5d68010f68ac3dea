import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { SERVER_KINDS, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import type { Daemon } from '../support/daemon.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup } from '../support/servers.ts';

/** Ways of logging rows that a session or the whole server can be set to, on a server of its own. */
for (const kind of SERVER_KINDS) describe(`row formats and ways of writing on ${kind}`, () => {
  const maria = !kind.startsWith('mysql');
  let source: RunningServer;
  let scene: Scene;
  let daemon: Daemon;

  before(async () => {
    source = await startServer(kind, { bufferPoolMiB: 32, args: ['--event-scheduler=ON'] });
    scene = await Scene.open(source, backup(maria ? 'mariadb' : 'mysql'));
    daemon = await scene.startDaemon();
    await scene.db.query(`
      CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(1000), b BLOB, n INT, j JSON);
      CREATE TABLE keyless (v VARCHAR(40), n INT);
      INSERT INTO t (v, b, n, j) VALUES ('one', X'00ff', 1, '{"a": [1, 2], "s": "long enough to be worth a difference"}'), ('two', NULL, 2, NULL), ('three', X'', NULL, '[]');
      INSERT INTO keyless VALUES ('a', 1), ('a', 1), (NULL, NULL)`);
  });
  after(async () => {
    await daemon.stop();
    await scene[Symbol.asyncDispose]();
    await source.stop();
  });

  async function captured(work: () => Promise<unknown>): Promise<Row[]> {
    await scene.caughtUp();
    const known = (await scene.operations()).length;
    await work();
    await scene.caughtUp();
    return (await scene.operations()).slice(known).filter((row) => Number(row.ddl) === 0);
  }

  async function undone(work: () => Promise<unknown>, operations: number): Promise<void> {
    // What the caller prepared is not to be undone with it.
    await scene.caughtUp();
    const before = await scene.fingerprint();
    const made = await captured(work);
    assert.deepEqual(made.map((row) => row.state), Array<string>(operations).fill('captured'));
    assert.notDeepEqual(await scene.fingerprint(), before);
    await scene.undo(made);
    assert.deepEqual(await scene.fingerprint(), before);
  }

  /** A session of its own with a setting, as an application would have it. */
  async function inSession(setting: string, work: (session: Connection) => Promise<unknown>): Promise<void> {
    const session = await scene.session();
    await session.query(`SET SESSION ${setting}`);
    await work(session);
    await session.end();
  }

  const everything = async (session: Connection): Promise<void> => {
    await session.query("START TRANSACTION; UPDATE t SET v = CONCAT(v, '!'), n = 7; DELETE FROM keyless LIMIT 2; INSERT INTO t (v) VALUES ('new'); DELETE FROM t WHERE id = 1; COMMIT");
  };

  it('undoes compressed transactions', { skip: maria && 'MySQL only' }, () => undone(() => inSession('binlog_transaction_compression=1', everything), 4));

  it('undoes compressed events', { skip: !maria && 'MariaDB only' }, async () => {
    await scene.db.query('SET GLOBAL log_bin_compress=1; SET GLOBAL log_bin_compress_min_len=10');
    try {
      await undone(() => inSession('sql_mode=DEFAULT', everything), 4);
    } finally {
      await scene.db.query('SET GLOBAL log_bin_compress=0');
    }
  });

  for (const image of ['MINIMAL', 'NOBLOB', ...(kind === 'mariadb-11.8' ? ['FULL_NODUP' as const] : [])] as const) {
    it(`undoes what ${image} images hold, and marks the rest with the reason`, async () => {
      await undone(() => inSession(`binlog_row_image='${image}'`, (session) => session.query("INSERT INTO t (v, n) VALUES ('x', 5), ('y', 6)")), 1);
      const kept = await scene.fingerprint();
      const gaps = (await scene.gaps()).length;
      const updated = await captured(() => inSession(`binlog_row_image='${image}'`, (session) => session.query('UPDATE t SET n = COALESCE(n, 0) + 1')));
      const deleted = await captured(() => inSession(`binlog_row_image='${image}'`, (session) => session.query('DELETE FROM t ORDER BY id LIMIT 1')));
      const states = [...updated, ...deleted].map((row) => String(row.state));
      // MINIMAL lacks old values; NOBLOB the blobs of rows that are deleted; FULL_NODUP nothing that was not logged before.
      const expected = { MINIMAL: ['partial-image', 'partial-image'], NOBLOB: ['captured', 'partial-image'], FULL_NODUP: ['captured', 'captured'] }[image];
      assert.deepEqual(states, expected);
      const refused = states.filter((state) => state !== 'captured').length;
      assert.equal((await scene.gaps()).length - gaps, refused);
      if (refused === 0) {
        await scene.undo([...updated, ...deleted]);
        assert.deepEqual(await scene.fingerprint(), kept);
        return;
      }
      // A column that the log does not hold is never written, least of all as NULL.
      const script = await scene.cli('script', '--database', scene.schema, '--start-position', `${String(updated[0]!.start_file)}:${String(updated[0]!.start_offset)}`);
      assert.equal(script.status, 3);
      assert.match(script.stderr, /GAP_IN_RANGE/);
    });
  }

  it('marks an operation with a row that no statement restores, leaves nothing of it in the backup table, and goes on', { skip: maria && 'MariaDB rounds what is copied' }, async () => {
    await scene.db.query(`CREATE TABLE digits (id INT PRIMARY KEY, d DOUBLE, r DOUBLE(20,5)); INSERT INTO digits VALUES (1, 1, 1), (2, 0.123456789, 0.5), (3, 3, 3);
      UPDATE digits SET r = d WHERE id = 2`);
    // From its end: row 3 is rendered before row 2 turns out to be the one.
    const made = await captured(() => scene.db.query('DELETE FROM digits; INSERT INTO digits VALUES (4, 4, 4)'));
    assert.deepEqual(made.map((row) => row.state), ['not-undoable', 'captured']);
    assert.deepEqual((await scene.backupRows('digits')).filter((row) => row.opid_time === made[0]!.opid), []);
    assert.deepEqual((await scene.information()).filter((row) => row.opid_time === made[0]!.opid), []);
    const gap = (await scene.gaps()).find((one) => one.table_name === 'digits');
    assert.match(String(gap?.detail), /Column r holds 0\.123456789, which its 5 declared decimals would round/);
    const refused = await scene.cli('script', '--source', scene.alias, '--opid', String(made[0]!.opid));
    assert.equal(refused.status, 3, refused.stderr);
  });

  it('undoes partial JSON updates', { skip: maria && 'MySQL only' }, async () => {
    await scene.db.query(`INSERT INTO t (id, j) VALUES (900, '{"a": [1, 2], "s": "long enough to be worth a difference"}')`);
    const changes = "UPDATE t SET j = JSON_SET(j, '$.a[1]', 5) WHERE id = 900; UPDATE t SET j = JSON_REMOVE(j, '$.a') WHERE id = 900";
    await undone(() => inSession("binlog_row_value_options='PARTIAL_JSON'", (session) => session.query(changes)), 2);
  });

  it('undoes what a stored procedure and an event write', async () => {
    await scene.db.query(`CREATE PROCEDURE p(IN x INT) BEGIN UPDATE t SET n = x; INSERT INTO keyless VALUES ('p', x); DELETE FROM t WHERE id = 3; END`);
    await undone(() => scene.db.query('CALL p(42)'), 3);
    await scene.db.query('CREATE TABLE marks (id INT PRIMARY KEY AUTO_INCREMENT, v INT)');
    await undone(async () => {
      await scene.db.query("CREATE EVENT once ON SCHEDULE AT CURRENT_TIMESTAMP ON COMPLETION PRESERVE DO INSERT INTO marks (v) VALUES (1), (2)");
      while ((await query(scene.db, 'SELECT * FROM marks')).length === 0) await query(scene.db, 'SELECT SLEEP(0.05)');
    }, 1);
  });

  it('is not misled by SET timestamp', async () => {
    const [made] = await captured(() => inSession('timestamp=1000000000', (session) => session.query("INSERT INTO keyless VALUES ('old', 1)")));
    const found = await scene.cli('script', '--database', scene.schema, '--opid', String(made!.opid));
    assert.equal(found.status, 0, found.stderr);
    assert.match(found.stdout, /DELETE/);
  });

  it('takes temporary tables for what they are', async () => {
    const made = await captured(async () => {
      const session = await scene.session();
      await session.query("CREATE TEMPORARY TABLE t (x INT); INSERT INTO t VALUES (1), (2); UPDATE t SET x = 5; CREATE TEMPORARY TABLE own (x INT); INSERT INTO own SELECT * FROM t; DROP TEMPORARY TABLE t; INSERT INTO keyless VALUES ('real', 1)");
      await session.end();
    });
    assert.deepEqual(made.map((row) => `${String(row.table_name)} ${String(row.state)}`), ['keyless captured']);
  });

  it('undoes tables of any name', async () => {
    const names = ['operations', 'checkpoints', 'id', 'rollback_statement', 'n'.repeat(64), '\u00fc'.repeat(32), 'select', 'a`b', 'UPPER'];
    const quoted = names.map((name) => `\`${name.replaceAll('`', '``')}\``);
    await scene.db.query(quoted.map((name) => `CREATE TABLE ${name} (id INT PRIMARY KEY, v INT)`).join('; '));
    const start = await scene.position();
    const before = await scene.fingerprint();
    const made = await captured(() => scene.db.query(quoted.map((name) => `INSERT INTO ${name} VALUES (1, 1), (2, 2); UPDATE ${name} SET v = 5`).join('; ')));
    assert.deepEqual(made.map((row) => row.state), Array<string>(2 * names.length).fill('captured'));
    const script = await scene.cli('script', '--database', scene.schema, '--start-position', `${start.file}:${start.offset}`);
    assert.equal(script.status, 0, script.stderr);
    const applied = await scene.apply(script.stdout);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await scene.fingerprint(), before);
  });
});
