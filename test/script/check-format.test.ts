import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freePort } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import type { PlanReport } from '../../src/script/index.ts';
import { Scene, applyWithClient } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  describe(`the check of a script for ${source.kind}`, () => {
    it('lists the rows that no longer match, of every guard, with SELECT rights only, and changes nothing', async () => {
      const port = await freePort();
      await using scene = await Scene.open(source, backup, { env: { BINLOG_UNDO_ADMIN_PORT: String(port) } });
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, n INT, m INT, name VARCHAR(20), UNIQUE KEY by_name (name)) ENGINE=InnoDB;
        CREATE TABLE k (a INT, b VARBINARY(10)) ENGINE=InnoDB;
        INSERT INTO t VALUES (1, 0, 0, 'one'), (2, 0, 0, 'two'), (3, 0, 0, 'three'), (4, 0, 0, 'four'), (5, 0, 0, 'five'); INSERT INTO k VALUES (1, X'00FF'), (2, 'y'), (5, 'd')`);
      const start = formatPosition(await scene.position());
      // Rows that were changed twice, whose key was used again, and whose unique value moved on: what newer undos put right is not asked for.
      await scene.db.query(`UPDATE t SET n = n + 1; UPDATE t SET m = m + 1 WHERE id = 1; DELETE FROM t WHERE id IN (3, 4); INSERT INTO t VALUES (3, 9, 9, 'four'), (6, 6, 6, 'it''s');
        UPDATE t SET name = 'fifth' WHERE id = 5; UPDATE k SET a = 7 WHERE a = 1; DELETE FROM k WHERE a = 2;
        INSERT INTO k VALUES (5, 'd'), (5, 'd'), (6, 'e'), (6, 'e'); DELETE FROM k WHERE a = 6 LIMIT 1; UPDATE k SET b = 'f' WHERE a = 6`);
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const reader = `reader_${scene.schema.slice(-8)}`;
      await scene.db.query(`CREATE USER '${reader}'@'%' IDENTIFIED BY 'only-read-1'; GRANT SELECT ON \`${scene.schema}\`.* TO '${reader}'@'%'`);
      const window = ['--source', scene.alias, '--start-position', start, '--stop-position', stop];
      const check = async (...args: string[]): Promise<string> => {
        const made = await scene.cli('script', ...window, '--format', 'check', ...args);
        assert.equal(made.status, 0, made.stderr);
        const before = await scene.fingerprint();
        const run = await applyWithClient({ ...source, user: reader, password: 'only-read-1' }, made.stdout, ['--batch', '--skip-column-names']);
        assert.equal(run.status, 0, run.stderr);
        assert.deepEqual(await scene.fingerprint(), before);
        return run.stdout;
      };
      try {
        const force = ['--mode', 'nocascade-force'];
        for (const guard of ['changed', 'row', 'none']) assert.equal(await check('--guard', guard), '', guard);
        assert.equal(await check('--update', 'full'), '');
        // The plan tells the size of the script, of the very text but for the id and times.
        const size = (JSON.parse((await scene.cli('plan', ...window, '--json')).stdout) as PlanReport).scriptSize;
        const whole = (await scene.cli('script', ...window)).stdout;
        assert.deepEqual(size, { bytes: Buffer.byteLength(whole), exact: true, largestStatement: Number(/^-- statements: \d+, the largest of (\d+) bytes$/m.exec(whole)?.[1]) });
        assert.match((await scene.cli('plan', ...window)).stdout, /^a script of \d+ bytes, its largest statement of \d+$/m);
        assert.match((await scene.cli('plan', ...window)).stdout, /\.k has no key: each of its rows is looked for through the whole table, 6 times through about \d+ rows?\./);
        const answer = await fetch(`http://127.0.0.1:${port}/v1/script?start_position=${start}&stop_position=${stop}&format=check`);
        assert.match(answer.headers.get('content-disposition') ?? '', /filename="check-[0-9a-f]{16}\.sql"/);
        assert.match(await answer.text(), /^-- binlog-undo \S+ check of a rollback script [^]+\n-- checks: \d+; this is the end\n$/);

        const t = `${scene.schema}.t`;
        await scene.db.query("UPDATE t SET m = 77 WHERE id = 2; UPDATE t SET n = 77 WHERE id = 1; DELETE FROM t WHERE id = 6; INSERT INTO t VALUES (4, 1, 1, 'new'); INSERT INTO t VALUES (8, 8, 8, 'five'); DELETE FROM k WHERE a = 7; DELETE FROM k WHERE a = 5 LIMIT 2");
        await scene.caughtUp();
        const gone = 'the row is gone or was changed';
        const expected = [
          `${scene.schema}.k\ta=7, b=0x00FF\t${gone}`, `${scene.schema}.k\ta=5, b=0x64\t${gone}`, `${t}\tid=4\tits primary key is taken`, `${t}\tid=6\t${gone}`, `${t}\tname=five\tits unique key by_name is taken`,
        ];
        const lines = async (...args: string[]): Promise<string[]> => (await check(...force, ...args)).trim().split('\n').sort();
        // Of row 1 the newest change restores m, an older one n: both are looked at.
        assert.deepEqual(await lines(), [...expected, `${t}\tid=1\t${gone}`].sort());
        assert.deepEqual(await lines('--guard', 'row'), [...expected, `${t}\tid=1\t${gone}`, `${t}\tid=2\t${gone}`].sort());
        assert.deepEqual(await lines('--guard', 'none'), expected.sort());
      } finally {
        await scene.db.query(`DROP USER '${reader}'@'%'`);
      }
    });
  });
});
