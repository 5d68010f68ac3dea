import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVER_KINDS, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { Scene, query } from '../support/scene.ts';
import { backup } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** Tables come, change and go while the daemon looks; the least metadata that the server can log makes it depend on its own reading. */
for (const kind of SERVER_KINDS) describe(`definitions without full row metadata on ${kind}`, () => {
  let source: RunningServer;
  const flavour = kind.startsWith('mysql') ? 'mysql' : 'mariadb';

  before(async () => {
    source = await startServer(kind, { bufferPoolMiB: 32, args: [`--binlog-row-metadata=${flavour === 'mysql' ? 'MINIMAL' : 'NO_LOG'}`] });
  });
  after(() => source.stop());

  const states = async (scene: Scene): Promise<string[]> => (await scene.operations()).filter((row) => Number(row.ddl) === 0).map((row) => `${String(row.table_name)} ${String(row.state)}`);

  it("undoes a table's first rows", async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await scene.db.query("CREATE TABLE t (id INT PRIMARY KEY, v INT UNSIGNED); INSERT INTO t VALUES (1, 4294967295)");
    await using daemon = await scene.startDaemon();
    const before = await scene.fingerprint();
    await scene.db.query('UPDATE t SET v = v - 1');
    await scene.caughtUp();
    assert.deepEqual(await states(scene), ['t captured']);
    await scene.undo(await scene.operations());
    assert.deepEqual(await scene.fingerprint(), before);
    await daemon.stop();
  });

  it("undoes a table's first rows after an ALTER", async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await using daemon = await scene.startDaemon();
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1)');
    await scene.caughtUp();
    await scene.db.query('ALTER TABLE t ADD COLUMN w INT FIRST; UPDATE t SET w = 5');
    await scene.caughtUp();
    assert.deepEqual(await states(scene), ['t captured', 't captured']);
    await scene.undo((await scene.operations()).slice(-1));
    assert.deepEqual(await query(scene.db, 'SELECT * FROM t'), [{ w: null, id: 1, v: 1 }]);
    await daemon.stop();
  });

  it('reads rows under the character set and nullability that their table had then', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await scene.db.query("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1 NOT NULL, n INT NOT NULL); INSERT INTO t VALUES (1, '\u00e9', 1)");
    await using daemon = await scene.startDaemon();
    await daemon.logged('definitions_read');
    const content = async (): Promise<unknown> => (await query(scene.db, 'SELECT HEX(v) AS v, n FROM t'))[0];
    await scene.db.query("UPDATE t SET v = '\u00fc'");
    await scene.db.query('ALTER TABLE t CHANGE v v VARCHAR(20) CHARACTER SET utf8mb4, CHANGE n n INT');
    await scene.db.query("UPDATE t SET v = '\u65e5\u672c', n = NULL");
    await scene.caughtUp();
    assert.deepEqual(await states(scene), ['t captured', 't captured']);
    const [first, last] = (await scene.operations()).filter((row) => Number(row.ddl) === 0);
    await scene.undo([last!]);
    assert.deepEqual(await content(), { v: 'C3BC', n: 1 });
    await scene.db.query('ALTER TABLE t CHANGE v v VARCHAR(20) CHARACTER SET latin1 NOT NULL, CHANGE n n INT NOT NULL');
    await scene.undo([first!]);
    assert.deepEqual(await content(), { v: 'E9', n: 1 });
    await daemon.stop();
  });

  it('says so when a table is gone before its columns could be read and no server can make it again, and goes on', async () => {
    await using scene = await Scene.open(source, backup(flavour === 'mysql' ? 'mariadb' : 'mysql'));
    await using daemon = await scene.startDaemon();
    const sessions = 'CREATE TABLE gone (id INT PRIMARY KEY); INSERT INTO gone VALUES (1); DROP TABLE gone';
    await scene.db.query(`${sessions}; ${sessions}; CREATE TABLE stays (id INT PRIMARY KEY); INSERT INTO stays VALUES (1)`);
    await scene.caughtUp();
    const found = await states(scene);
    assert.equal(found.at(-1), 'stays captured');
    assert.deepEqual(found.slice(0, 2), ['gone definition-unknown', 'gone definition-unknown']);
    assert.deepEqual((await scene.gaps()).map((gap) => `${String(gap.reason)} ${String(gap.table_name)}`), ['definition-unknown gone', 'definition-unknown gone']);
    assert.equal(daemon.lines.filter(({ event }) => event === 'ddl_not_run_again').length, 1);
    await daemon.stop();
  });

  it('knows the columns of a table that is gone again at once', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await using daemon = await scene.startDaemon();
    await daemon.logged('definitions_read');
    await scene.db.query('CREATE TABLE gone (id INT PRIMARY KEY); INSERT INTO gone VALUES (1); DROP TABLE gone; CREATE TABLE gone (name CHAR(4)); INSERT INTO gone VALUES (\'four\'); DROP TABLE gone');
    await scene.caughtUp();
    assert.deepEqual(await states(scene), ['gone captured', 'gone captured']);
    assert.deepEqual((await scene.undoneRows('gone')).map((row) => /id|name/.exec(String(row.rollback_statement))?.[0]), ['id', 'name']);
    await daemon.stop();
  });

  it('reads again after a kill what it was reading', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await using daemon = await scene.startDaemon();
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v INT)');
    await scene.caughtUp();
    // The lock keeps the daemon from reading the definition until it is killed.
    await scene.db.query('LOCK TABLES t WRITE; INSERT INTO t VALUES (1, 1)');
    await scene.caughtUp({ projected: false });
    await daemon.kill();
    await scene.db.query('UNLOCK TABLES');
    await using second = await scene.startDaemon();
    await scene.caughtUp();
    assert.deepEqual(await states(scene), ['t captured']);
    assert.equal((await scene.undoneRows('t')).length, 1);
    await second.stop();
  });

  it('goes on when its idle connections to the source were closed', async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await using daemon = await scene.startDaemon();
    const account = await query(scene.db, `SELECT id AS id FROM ${PROCESS_LIST} WHERE id <> CONNECTION_ID() AND command = 'Sleep'`);
    assert.equal(account.length > 0, true);
    // One may have ended by itself meanwhile.
    for (const { id } of account) await scene.db.query(`KILL ${String(id)}`).catch(() => undefined);
    await until('the connections are gone', async () => (await query(scene.db, `SELECT id FROM ${PROCESS_LIST} WHERE id IN (${account.map(({ id }) => String(id)).join(',')})`)).length === 0);
    await scene.db.query('CREATE TABLE fresh (id INT PRIMARY KEY); INSERT INTO fresh VALUES (1)');
    await scene.caughtUp();
    assert.deepEqual(await states(scene), ['fresh captured']);
    await daemon.stop();
  });
});
