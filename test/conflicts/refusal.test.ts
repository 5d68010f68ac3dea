import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freePort } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import type { PlanReport } from '../../src/script/index.ts';
import { Scene, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';
import { XA_BEGINS } from '../support/xa.ts';

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  describe(`later changes on ${source.kind}`, () => {
    it('refuse a script in mode nocascade, in the command and over HTTP, and are met as the mode says', async () => {
      const port = await freePort();
      await using scene = await Scene.open(source, backup, { env: { BINLOG_UNDO_ADMIN_PORT: String(port) } });
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE other (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)`);
      const before = await scene.fingerprint();
      const start = formatPosition(await scene.position());
      await scene.db.query('UPDATE t SET n = n + 1');
      const stop = formatPosition(await scene.position());
      const accident = await scene.fingerprint();
      await scene.db.query('START TRANSACTION; UPDATE t SET id = 7 WHERE id = 2; INSERT INTO other VALUES (1); COMMIT; UPDATE t SET n = n + 10 WHERE id = 7');
      await scene.caughtUp({ projected: false });
      const later = await scene.fingerprint();
      const [update, moved, , changed] = (await scene.operations()).filter((operation) => Number(operation.ddl) === 0).slice(1).map(({ opid }) => String(opid));
      const window = ['--source', scene.alias, '--start-position', start, '--stop-position', stop];

      const refused = await scene.cli('script', ...window);
      assert.equal(refused.status, 3);
      assert.equal(refused.stdout, '');
      assert.match(refused.stderr, /^binlog-undo: CONFLICT: 1 row change to be undone is in conflict with 1 later transaction: [^\n]+ changed the row `id`=2 in [^\n]+, in columns that the undo restores or needs \(changed: id\)\. Later changes touched what the undo restores or needs\. Suggested: --mode (cascade|nonconflict-only) [^\n]+\n$/);
      assert.ok(refused.stderr.includes(moved!) && refused.stderr.includes(update!));
      const answer = await fetch(`http://127.0.0.1:${port}/v1/script?start_position=${start}&stop_position=${stop}`);
      assert.equal(answer.status, 409);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
      const problem = await answer.json() as { code: string; suggested: string; conflicts: PlanReport['conflicts']['listed'] };
      assert.equal(problem.code, 'CONFLICT');
      const plan = await scene.json<PlanReport>('plan', ...window);
      assert.deepEqual(problem.conflicts, plan.conflicts.listed);
      // Of the session that made the accident, where the server tells sessions apart.
      const suggested = plan.conflicts.listed[0]?.later.threadId === null ? 'nonconflict-only' : 'cascade';
      assert.deepEqual([problem.suggested, plan.conflicts.suggested, plan.conflicts.mode, plan.conflicts.rows, plan.conflicts.restored], [suggested, suggested, 'nocascade', 1, 1]);
      assert.deepEqual(plan.conflicts.listed.map(({ kind, table, key, undone, later: by, columns, changed, suggested: mode }) => ({ kind, table, key, undone: undone.opid, by: by.opid, columns, changed, mode })),
        [{ kind: 'row', table: `${scene.schema}.t`, key: '`id`=2', undone: update, by: moved, columns: 'restored', changed: ['id'], mode: suggested }]);
      assert.match((await scene.cli('plan', ...window, '--mode', 'nocascade-force')).stdout, /^A script can be made\.$/m);
      const text = (await scene.cli('plan', ...window)).stdout;
      assert.match(text, /^1 row change in conflict with 1 later transaction \(mode nocascade\):\nconflict row: /m);
      assert.match(text, /^A script is refused in mode nocascade\. Later changes touched what the undo restores or needs\. Suggested: /m);

      const some = await scene.cli('script', ...window, '--mode', 'nonconflict-only');
      assert.match(some.stdout, /^-- WARNING 1 row change is left out/m);
      assert.match(some.stdout, /^-- mode: nonconflict-only /m);
      assert.equal((await scene.apply(some.stdout)).status, 0);
      assert.deepEqual(await query(scene.db, 'SELECT * FROM t ORDER BY id'), [{ id: 1, n: 0 }, { id: 3, n: 0 }, { id: 7, n: 11 }]);
      await scene.caughtUp({ projected: false });

      // The script's own changes are later ones as well: to undo all of it is to go back to before the accident.
      const all = await scene.cli('script', ...window, '--mode', 'cascade');
      assert.match(all.stdout, /^-- WARNING 3 later transactions that depend on the selection are undone as well\./m);
      assert.ok(all.stdout.includes(changed!), 'the chain is followed through the new key');
      assert.equal((await scene.apply(all.stdout)).status, 0);
      assert.deepEqual(await scene.fingerprint(), before);
      assert.notDeepEqual(accident, later);
    });

    it('are told apart by columns: where others changed other columns only, the guard lets the undo pass', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, c INT, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP) ENGINE=InnoDB;
        CREATE TABLE k (a INT, b INT) ENGINE=InnoDB; INSERT INTO t (id, a, b, c) VALUES (1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0); INSERT INTO k VALUES (1, 0)`);
      await scene.caughtUp({ projected: false });
      const asked = (opids: readonly string[]): string[] => ['--source', scene.alias, ...opids.flatMap((opid) => ['--opid', opid])];
      const conflicts = async (opids: readonly string[], ...more: string[]): Promise<PlanReport['conflicts']> =>
        (JSON.parse((await scene.cli('plan', ...asked(opids), '--json', ...more)).stdout) as PlanReport).conflicts;
      const done = async (sql: string): Promise<string[]> => {
        await scene.caughtUp({ projected: false });
        const known = (await scene.operations()).length;
        await scene.db.query(sql);
        await scene.caughtUp({ projected: false });
        return (await scene.operations()).slice(known).map(({ opid }) => String(opid));
      };
      const [accident] = await done('UPDATE t SET a = 9');
      const [later] = await done('UPDATE t SET b = 5, at = TIMESTAMPADD(HOUR, 1, at) WHERE id = 2');
      const told = await conflicts([accident!]);
      assert.deepEqual([told.rows, told.restored, told.suggested], [1, 0, 'nocascade-force']);
      assert.deepEqual(told.listed.map(({ columns, changed, suggested, later: by }) => [columns, [...changed ?? []].sort(), suggested, by.opid]), [['other', ['at', 'b'], 'nocascade-force', later]]);
      const refused = await scene.cli('script', ...asked([accident!]));
      assert.equal(refused.status, 3);
      assert.match(refused.stderr, /, in other columns than the undo restores \(b, at\)\. The later changes touched other columns than the undo restores\. Suggested: --mode nocascade-force/);
      // An undo that writes every column would take the later change back; of an insert it is the row itself.
      assert.deepEqual((await conflicts([accident!], '--update', 'full')).restored, 1);
      const [made] = await done('INSERT INTO t (id, a, b, c) VALUES (7, 0, 0, 0)');
      await done('UPDATE t SET b = 1 WHERE id = 7');
      assert.deepEqual((await conflicts([made!])).restored, 1);
      const [keyless] = await done('UPDATE k SET a = 2');
      await done('UPDATE k SET b = 2');
      assert.deepEqual((await conflicts([keyless!])).restored, 1, 'a row without a key is found by all of its columns');
      const script = await scene.cli('script', ...asked([accident!]), '--mode', 'nocascade-force');
      assert.equal((await scene.apply(script.stdout)).status, 0, script.stderr);
      assert.deepEqual(await query(scene.db, 'SELECT id, a, b FROM t WHERE id < 7 ORDER BY id'), [{ id: 1, a: 0, b: 0 }, { id: 2, a: 0, b: 5 }, { id: 3, a: 0, b: 0 }]);

      // Two selected changes of a row, and later ones of the columns of either.
      const [first, second] = await done('UPDATE t SET a = 1 WHERE id = 3; UPDATE t SET b = 1 WHERE id = 3');
      const [ofC, ofA] = await done('UPDATE t SET c = 1 WHERE id = 3; UPDATE t SET a = 2 WHERE id = 3');
      const both = await conflicts([first!, second!]);
      assert.deepEqual([both.rows, both.restored], [2, 1]);
      const pairs = both.listed.map(({ undone, later: by, columns }) => `${undone.opid === first ? 'first' : 'second'} ${by.opid === ofA ? 'a' : 'c'} ${columns}`).sort();
      assert.ok(pairs.includes('first a restored') && pairs.includes('second a other') && pairs.includes('second c other'), pairs.join('; '));
      assert.deepEqual((await conflicts([second!])).suggested, 'nocascade-force');
      assert.notDeepEqual((await conflicts([first!])).suggested, 'nocascade-force');
      assert.ok(ofC);
    });

    it('are found in the same transaction, in tables without a key, under text that only the server compares, and on both sides of an XA transaction', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE k (a INT, b TEXT) ENGINE=InnoDB;
        CREATE TABLE w (id INT PRIMARY KEY, name VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, UNIQUE (name)) ENGINE=InnoDB;
        INSERT INTO t VALUES (1, 0), (2, 0), (3, 0); INSERT INTO k VALUES (1, 'x'), (2, 'y'); INSERT INTO w VALUES (1, 'Stra\u00dfe'), (2, 'platz')`);
      await scene.caughtUp({ projected: false });
      const opids = async (): Promise<string[]> => {
        await scene.caughtUp({ projected: false });
        return (await scene.operations()).map(({ opid }) => String(opid));
      };
      const kinds = async (opid: string): Promise<string[]> => {
        const plan = await scene.json<PlanReport>('plan', '--source', scene.alias, '--opid', opid);
        return [...new Set(plan.conflicts.listed.map(({ kind }) => kind))];
      };
      await scene.db.query('START TRANSACTION; UPDATE t SET n = 5 WHERE id = 1; UPDATE t SET n = 6 WHERE id = 1; COMMIT');
      const [first, second] = (await opids()).slice(-2);
      assert.deepEqual(await kinds(first!), ['row']);
      assert.deepEqual(await kinds(second!), []);

      await scene.db.query("UPDATE k SET b = 'z' WHERE a = 1; DELETE FROM k WHERE a = 2; DELETE FROM k WHERE b = 'z'");
      const [changed, other] = (await opids()).slice(-3);
      assert.deepEqual(await kinds(changed!), ['row']);
      assert.deepEqual(await kinds(other!), []);

      await scene.db.query("DELETE FROM w WHERE id = 1; DELETE FROM w WHERE id = 2; INSERT INTO w VALUES (5, 'STRASSE'), (6, '\u5e83\u5834')");
      const [street, square] = (await opids()).slice(-3);
      assert.deepEqual(await kinds(street!), ['unique-key'], 'sharp s is ss');
      assert.deepEqual(await kinds(square!), []);

      await scene.db.query('UPDATE t SET n = 7 WHERE id = 2');
      const earlier = (await opids()).at(-1)!;
      const branch = await scene.session();
      await branch.query(`${XA_BEGINS}; XA START '${scene.schema}'; UPDATE t SET n = 8 WHERE id = 2; XA END '${scene.schema}'; XA PREPARE '${scene.schema}'`);
      await scene.db.query('INSERT INTO t VALUES (9, 9)');
      await scene.caughtUp({ projected: false });
      await branch.query(`XA COMMIT '${scene.schema}'`);
      await branch.end();
      await scene.db.query('DELETE FROM t WHERE id = 3');
      assert.deepEqual(await kinds((await opids()).at(-1)!), []);
      assert.deepEqual(await kinds(earlier), ['row']);
      await scene.db.query('UPDATE t SET n = 100 WHERE id = 2');
      await opids();
      assert.deepEqual(await kinds((await scene.operations()).filter(({ table_name: table, type }) => table === 't' && type === 'UPDATE').at(-2)!.opid as string), ['row']);
    });
  });
});
