import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  const logged = source.flavour === 'mysql';
  describe(`foreign keys in scripts for ${source.kind}`, () => {
    it('nothing is committed that would leave a child without its parent; --force or not', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE parent (a INT, b VARCHAR(10), PRIMARY KEY (a, b)) ENGINE=InnoDB;
        CREATE TABLE child (id INT PRIMARY KEY, a INT, b VARCHAR(10), FOREIGN KEY (a, b) REFERENCES parent (a, b)) ENGINE=InnoDB`);
      const start = await scene.position();
      await scene.db.query("INSERT INTO parent VALUES (1, 'x'), (2, 'x')");
      const stop = await scene.position();
      await scene.db.query("INSERT INTO child VALUES (1, 1, 'x'), (2, NULL, 'gone'), (3, 9, NULL)");
      await scene.caughtUp();
      const window = ['script', '--source', scene.alias, '--start-position', formatPosition(start), '--stop-position', formatPosition(stop)];
      assert.match((await scene.cli(...window)).stderr, /^binlog-undo: CONFLICT: .* depends by foreign key on `a`=1, `b`='x' in \S+child after /);
      // Whoever decides that the children go first anyway lets the script look for them when it runs.
      const { stdout: text, stderr } = await scene.cli(...window, '--mode', 'nocascade-force');
      assert.match(text, /COMMIT/, stderr);
      for (const args of [[], ['--force']]) {
        const result = await applyWithClient(source, text, args);
        assert.match(result.stderr, logged ? /a foreign key would point nowhere, nothing is committed/ : /a foreign key constraint fails/);
        assert.deepEqual(await query(scene.db, 'SELECT a FROM parent ORDER BY a'), [{ a: 1 }, { a: 2 }]);
      }
      // With the child out of the way, NULL names no parent and the same script is committed.
      await scene.db.query('DELETE FROM child WHERE id = 1');
      assert.match((await applyWithClient(source, text, [])).stdout, /committed, 2 rows undone/);
      assert.deepEqual(await query(scene.db, 'SELECT a FROM parent'), []);
    });

    it(logged ? 'children that a cascade deleted come back with their parent' : 'a cascade that is not in the binlog is told, and refused unless allowed', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE parent (id INT PRIMARY KEY) ENGINE=InnoDB;
        CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB;
        INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (10, 1), (11, 1), (12, 2)`);
      const before = await scene.fingerprint();
      const start = await scene.position();
      await scene.db.query('UPDATE parent SET id = 3 WHERE id = 2');
      await scene.caughtUp();
      const window = ['script', '--source', scene.alias, '--start-position', formatPosition(start)];
      // ON UPDATE CASCADE comes back on every server: by its own rows, or by cascading back.
      assert.equal((await scene.apply((await scene.cli(...window)).stdout)).status, 0);
      assert.deepEqual(await scene.fingerprint(), before);
      const again = await scene.position();
      await scene.db.query('DELETE FROM parent WHERE id = 1');
      await scene.caughtUp();
      const deleted = ['script', '--source', scene.alias, '--start-position', formatPosition(again)];
      const result = await scene.cli(...deleted);
      if (logged) {
        assert.equal((await scene.apply(result.stdout)).status, 0, result.stderr);
        assert.deepEqual(await scene.fingerprint(), before);
        return;
      }
      assert.match(result.stderr, /^binlog-undo: CASCADE_NOT_LOGGED: .*ON DELETE CASCADE/);
      assert.equal(result.status, 3);
      const allowed = await scene.cli(...deleted, '--allow', 'cascade');
      assert.match(allowed.stdout, /WARNING CASCADE_NOT_LOGGED/);
      assert.equal((await scene.apply(allowed.stdout)).status, 0, allowed.stderr);
      assert.deepEqual(await query(scene.db, 'SELECT id FROM parent ORDER BY id'), [{ id: 1 }, { id: 2 }]);
    });
  });
});
