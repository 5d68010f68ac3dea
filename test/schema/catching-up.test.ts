import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { SERVER_KINDS, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { quoteName } from '../../src/core/identifiers.ts';
import { meet, nothingMissing } from '../support/catching-up.ts';
import { Scene } from '../support/scene.ts';
import { backup } from '../support/servers.ts';
import { Batches } from './support/batches.ts';

/** The daemon reads what happened while it was away: every row with the columns of its own time, in every row metadata mode. */
for (const kind of SERVER_KINDS) describe(`catching up over DDL on ${kind}`, () => {
  let source: RunningServer;
  const flavour = kind.startsWith('mysql') ? 'mysql' : 'mariadb';

  before(async () => {
    source = await startServer(kind, { bufferPoolMiB: 32 });
  });
  after(() => source.stop());

  /** A scene whose log is written by an account with the rights of the README and no others. */
  async function openScene(): Promise<Scene> {
    const server = backup(flavour);
    const user = `u${randomBytes(6).toString('hex')}`;
    const scene = await Scene.open(source, server, { env: { BINLOG_UNDO_BACKUP_USER: user, BINLOG_UNDO_BACKUP_PASSWORD: user } });
    const pattern = (name: string): string => quoteName(name.replaceAll('_', '\\_'));
    await scene.log.query(`CREATE USER '${user}'@'%' IDENTIFIED BY '${user}'`);
    await scene.log.query(`GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON ${pattern(scene.ledger)}.* TO '${user}'@'%'`);
    await scene.log.query(`GRANT CREATE, SELECT, INSERT, DELETE ON ${pattern(`${scene.alias}_${source.port}_%`)}.* TO '${user}'@'%'`);
    await scene.log.query(`GRANT CREATE, DROP, ALTER, INDEX, REFERENCES, SELECT, INSERT ON ${pattern(`${scene.ledger}_scratch_%`)}.* TO '${user}'@'%'`);
    return scene;
  }

  for (const metadata of flavour === 'mysql' ? ['FULL', 'MINIMAL'] : ['FULL', 'MINIMAL', 'NO_LOG']) it(`undoes rows between DDL of a time when it was away, with ${metadata} metadata`, async () => {
    await using scene = await openScene();
    await using batches = await Batches.open(scene);
    const { db } = scene;
    await db.query(`SET GLOBAL binlog_row_metadata = '${metadata}'; CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1);
      CREATE TABLE quiet (id INT PRIMARY KEY, name VARCHAR(20)); CREATE TABLE _t_new LIKE t`);
    await meet(scene);
    await batches.run('t', 'INSERT INTO t VALUES (2, 2); UPDATE t SET v = v + 1');
    await db.query('ALTER TABLE t ADD COLUMN w VARCHAR(10) FIRST');
    await batches.run('t', "INSERT INTO t VALUES ('x', 3, 3); DELETE FROM t WHERE id = 1");
    await db.query('ALTER TABLE t DROP COLUMN v, MODIFY w VARBINARY(9)');
    await batches.run('t', "INSERT INTO t VALUES ('y', 4); UPDATE t SET w = X'00FF' WHERE id = 3");
    // A table without rows so far, renamed and gone by now.
    await batches.run('quiet', "INSERT INTO quiet VALUES (1, 'a')");
    await db.query('ALTER TABLE quiet MODIFY name VARCHAR(30) CHARACTER SET latin1; TRUNCATE quiet; RENAME TABLE quiet TO loud');
    await batches.run('loud', "INSERT INTO loud VALUES (3, 'ü')");
    await db.query('CREATE INDEX by_name ON loud (name); DROP TABLE IF EXISTS loud');
    // Made meanwhile, with what the schema gave new tables at that time.
    await db.query(`ALTER DATABASE ${scene.schema} CHARACTER SET latin1; CREATE TABLE IF NOT EXISTS made (id INT UNSIGNED PRIMARY KEY, c CHAR(3) DEFAULT 'q');
      CREATE TABLE IF NOT EXISTS made (other DATE)`);
    await batches.run('made', "INSERT INTO made VALUES (4294967295, 'é')");
    await db.query(`ALTER DATABASE ${scene.schema} CHARACTER SET utf8mb4; ALTER TABLE made CHANGE id key_ BIGINT UNSIGNED, ADD d CHAR(2) NOT NULL; CREATE TABLE alike LIKE made`);
    await batches.run('made', "INSERT INTO made VALUES (5, 'q', 'ä')");
    await batches.run('alike', "INSERT INTO alike VALUES (5, 'q', 'ä')");
    // As gh-ost and pt-online-schema-change swap tables.
    await db.query("ALTER TABLE _t_new ADD COLUMN z ENUM('a','b') NOT NULL DEFAULT 'b'; RENAME TABLE t TO _t_old, _t_new TO t");
    await batches.run('t', "INSERT INTO t VALUES (7, 7, 'a')");
    await batches.run('_t_old', 'DELETE FROM _t_old WHERE id = 2');
    await db.query("SET sql_mode = 'ANSI_QUOTES'; ALTER TABLE \"t\" RENAME TO \"u\", /*! ADD COLUMN \"s\" SET('x','y') */ ; SET sql_mode = DEFAULT");
    await batches.run('u', "UPDATE u SET s = 'x,y'");
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    await nothingMissing(scene, daemon);
    await daemon.stop();
    await batches.verify();
  });

});
