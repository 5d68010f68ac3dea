import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { connect } from '../support/any-server.ts';
import { Scene, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';
import { until } from '../support/until.ts';

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  // MariaDB before 11.5 does not tell sessions apart.
  if (source.kind === 'mariadb-10.11') return;
  describe(`scripts by user and size, for ${source.kind}`, () => {
    it('undo what one user did, and only operations of so many rows', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      const name = `clerk_${scene.schema.slice(-8)}`;
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0);
        CREATE USER ${name}@'%' IDENTIFIED BY 'Secret-1'; GRANT ALL ON \`${scene.schema}\`.* TO ${name}@'%'`);
      const start = formatPosition(await scene.position());
      const clerk = await connect({ ...source, user: name, password: 'Secret-1' }, { database: scene.schema, multipleStatements: true });
      await clerk.query('UPDATE t SET n = 1 WHERE id < 4; UPDATE t SET n = 2 WHERE id = 1');
      await scene.db.query('UPDATE t SET n = 9 WHERE id = 4');
      await until('the session was seen', async () => (await scene.ledgerRows('SELECT 1 FROM threads WHERE user = ?', [name])).length > 0);
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const range = ['--source', scene.alias, '--start-position', start, '--stop-position', stop];
      const plan = await scene.json<{ operations: number; warnings: string[] }>('plan', ...range, '--user', name, '--min-rows', '2', '--mode', 'nocascade-force');
      assert.equal(plan.operations, 1);
      assert.ok(plan.warnings.some((warning) => warning.startsWith(`User ${name} stands for the sessions `)), plan.warnings.join('\n'));
      const found = await scene.json<{ operations: unknown[] }>('find', ...range, '--user', name);
      assert.equal(found.operations.length, 2);
      const { status, stdout, stderr } = await scene.cli('script', ...range, '--user', name);
      assert.equal(status, 0, stderr);
      assert.match(stdout, new RegExp(`^-- asked for: .* user=${name}`, 'm'));
      const applied = await scene.apply(stdout);
      assert.equal(applied.status, 0, applied.stderr);
      assert.deepEqual(await query(scene.db, 'SELECT id, n FROM t ORDER BY id'), [{ id: 1, n: 0 }, { id: 2, n: 0 }, { id: 3, n: 0 }, { id: 4, n: 9 }]);
      const nobody = await scene.cli('plan', ...range, '--user', 'nobody-like-this');
      assert.equal(nobody.status, 0, nobody.stderr);
      assert.match(nobody.stdout, /0 operations/);
      const text = await scene.cli('plan', ...range, '--text', 'UPDATE');
      assert.equal(text.status, 2);
      assert.match(text.stderr, /^binlog-undo: USAGE: --text is for find: what is undone is not chosen by the text of statements/);
      await clerk.end();
      await scene.db.query(`DROP USER ${name}@'%'`);
    });
  });
});
