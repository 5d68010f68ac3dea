import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { formatPosition, type Position } from '../../src/core/position.ts';
import { Scene, applyWithClient, query, type Row } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

const script = (scene: Scene, ...args: string[]): ReturnType<Scene['cli']> => scene.cli('script', '--source', scene.alias, ...args);

/** A script that must be made; its text. */
async function made(scene: Scene, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await script(scene, ...args);
  assert.equal(status, 0, stderr);
  return stdout;
}

async function refused(scene: Scene, code: string, status: number, ...args: string[]): Promise<string> {
  const result = await script(scene, ...args);
  assert.match(result.stderr, new RegExp(`^binlog-undo: ${code}: [^\\n]+\\n$`));
  assert.equal(result.status, status);
  assert.equal(result.stdout, '');
  return result.stderr;
}

async function applied(scene: Scene, text: string): Promise<void> {
  const result = await scene.apply(text);
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /committed, \d+ rows undone/);
}

const window = (start: Position, stop: Position): string[] => ['--start-position', formatPosition(start), '--stop-position', formatPosition(stop), '--wait', '30'];

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  describe(`scripts for ${source.kind}`, () => {
    it('take exactly one window back, in reverse order over tables and transactions', async () => {
      await using scene = await Scene.open(source, backup);
      await using daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, n INT, t VARCHAR(50), UNIQUE KEY (t)) ENGINE=InnoDB;
        CREATE TABLE b (id INT PRIMARY KEY, a_id INT, CONSTRAINT \`fk\` FOREIGN KEY (a_id) REFERENCES a (id)) ENGINE=InnoDB;
        CREATE TABLE \`odd.na\`\`me\` (\`k ey\` VARBINARY(20) PRIMARY KEY, \`select\` DOUBLE) ENGINE=InnoDB;
        INSERT INTO a (n, t) VALUES (1, 'one'), (2, 'two'), (3, 'three'); INSERT INTO b VALUES (1, 1), (2, 2); INSERT INTO \`odd.na\`\`me\` VALUES (X'00275C0A', 0.1)`);
      const before = await scene.fingerprint();
      const start = await scene.position();
      await scene.db.query(`START TRANSACTION; INSERT INTO a (n, t) VALUES (9, 'it''s \\\\ new\nline'); INSERT INTO b VALUES (9, LAST_INSERT_ID()); COMMIT;
        UPDATE a SET t = CONCAT(t, '!'), n = n + 1; DELETE FROM b WHERE id = 1; UPDATE a SET t = 'one!' WHERE t = 'two!' AND 1 = 0; DELETE FROM a WHERE id = 1;
        UPDATE \`odd.na\`\`me\` SET \`select\` = -0.0; DELETE FROM \`odd.na\`\`me\`; REPLACE INTO a VALUES (3, 7, 'x'), (11, 8, 'x')`);
      const stop = await scene.position();
      const between = await scene.fingerprint();
      await scene.db.query("UPDATE a SET n = 1000 WHERE id = 4; INSERT INTO a (n, t) VALUES (5, 'after')");
      const after = await scene.position();
      await scene.caughtUp();
      await applied(scene, await made(scene, ...window(stop, after)));
      assert.deepEqual(await scene.fingerprint(), between);
      // The rows were changed and changed back since: history counts, so that a mode has to be chosen; the guard finds what the window left.
      assert.match(await refused(scene, 'CONFLICT', 3, ...window(start, stop)), / changed the row /);
      await applied(scene, await made(scene, ...window(start, stop), '--mode', 'nocascade-force'));
      assert.deepEqual(await scene.fingerprint(), before);
      assert.equal(daemon.running, true);
    });

    it('take one session back and leave the others, as far as the server tells sessions apart', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0)');
      const start = await scene.position();
      const [mine, theirs] = [await scene.session(), await scene.session()];
      await mine.query('START TRANSACTION; UPDATE t SET n = n + 1 WHERE id IN (1, 2)');
      await theirs.query('START TRANSACTION; UPDATE t SET n = n + 10 WHERE id = 3');
      await mine.query('COMMIT; DELETE FROM t WHERE id = 4');
      await theirs.query('COMMIT; INSERT INTO t VALUES (5, 50)');
      await mine.query('INSERT INTO t VALUES (6, 60)');
      const thread = String(mine.threadId);
      await mine.end();
      await theirs.end();
      await scene.caughtUp();
      const knowsThreads = (await scene.operations()).some((operation) => Number(operation.thread_id) === Number(thread));
      if (!knowsThreads) {
        assert.equal(source.kind, 'mariadb-10.11', 'only this server leaves the session out of its binlog');
        assert.match((await script(scene, '--thread-id', thread)).stderr, /0 operations match/);
        return;
      }
      await applied(scene, await made(scene, '--thread-id', thread, '--start-position', formatPosition(start)));
      assert.deepEqual(await query(scene.db, 'SELECT id, n FROM t ORDER BY id'), [[1, 0], [2, 0], [3, 10], [4, 0], [5, 50]].map(([id, n]) => ({ id, n })));
      const found = await scene.json<{ operations: { type: string; script: string }[] }>('find', '--source', scene.alias, '--thread-id', thread);
      assert.deepEqual(found.operations.map(({ type }) => type), ['INSERT', 'DELETE', 'UPDATE']);
    });

    it('change nothing when a row was changed since, on another server, or when read-only; --force or not', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)');
      const start = await scene.position();
      await scene.db.query('UPDATE t SET n = n + 1; DELETE FROM t WHERE id = 3');
      const text = await made(scene, '--start-position', formatPosition(start));
      await scene.db.query('UPDATE t SET n = 77 WHERE id = 2');
      const rows = await query(scene.db, 'SELECT * FROM t ORDER BY id');
      for (const args of [[], ['--force']]) {
        const result = await applyWithClient(source, text, args);
        assert.match(result.stderr, /rows have changed since, nothing is committed/);
        assert.deepEqual(await query(scene.db, 'SELECT * FROM t ORDER BY id'), rows);
      }
      // Not the source: a server with the same rows, whose history is another.
      const other = sources().find((candidate) => candidate.flavour === source.flavour && candidate !== source) ?? backups().find((candidate) => candidate.flavour === source.flavour)!;
      await using elsewhere = await Scene.open(other, backup);
      await elsewhere.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM; INSERT INTO t VALUES (1, 1), (2, 1)');
      const foreign = text.replaceAll(`\`${scene.schema}\``, `\`${elsewhere.schema}\``);
      for (const args of [[], ['--force']]) {
        const result = await applyWithClient(other, foreign.replace('SET @n=0;', `SET @n=0;INSERT INTO \`${elsewhere.schema}\`.m VALUES (1);`), args);
        assert.match(result.stderr, /this server is not the source nor its successor/);
        assert.deepEqual(await query(elsewhere.db, 'SELECT * FROM t ORDER BY id'), [{ id: 1, n: 1 }, { id: 2, n: 1 }]);
        assert.deepEqual(await query(elsewhere.db, 'SELECT * FROM m'), [], 'tables that cannot roll back stay too');
      }
    });

    it('run on any server with the same rows under target=any, without a guard over rows that changed', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT, m INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 0, 0), (2, 0, 0)');
      const start = await scene.position();
      await scene.db.query('UPDATE t SET n = n + 1');
      const text = await made(scene, '--start-position', formatPosition(start), '--target', 'any', '--guard', 'none', '--update', 'full');
      await scene.db.query('UPDATE t SET n = 77 WHERE id = 2');
      await applied(scene, text);
      assert.deepEqual(await query(scene.db, 'SELECT * FROM t'), [{ id: 1, n: 0, m: 0 }, { id: 2, n: 0, m: 0 }]);
    });

    it('are empty only for covered ranges, and say what is near', async () => {
      await using scene = await Scene.open(source, backup);
      const early = await scene.position();
      await scene.db.query('CREATE TABLE before_all (id INT PRIMARY KEY)');
      await using daemon = await scene.startDaemon();
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)');
      await scene.caughtUp();
      const end = await scene.position();
      const operations = (await scene.operations()).filter((operation) => Number(operation.ddl) === 0);
      const [first, second] = operations as [Row, Row];
      const at = (file: string | number | Buffer | null | undefined, offset: number): string => `${String(file)}:${offset}`;
      const inside = at(first.start_file, Number(first.start_offset) + 5);

      const none = await script(scene, '--start-position', formatPosition(end), '--database', scene.schema);
      assert.equal(none.status, 0);
      assert.match(none.stderr, /0 operations match\..*Last before the range of these tables: INSERT of .*opid /);
      assert.doesNotMatch(none.stdout, /^[^-\n]/m, 'comments only');
      assert.match(await refused(scene, 'NO_MATCH', 3, '--start-position', formatPosition(end), '--fail-if-empty'), /Nothing matches/);

      const bounds = `${at(first.start_file, Number(first.start_offset))} to ${at(first.end_file, Number(first.end_offset))}`;
      for (const which of ['--start-position', '--stop-position']) {
        assert.ok((await refused(scene, 'POSITION_INSIDE_TRANSACTION', 2, which, inside, '--table', `${scene.schema}.t`)).includes(bounds));
      }
      await refused(scene, 'RANGE_INVERTED', 2, '--start-position', at(second.end_file, Number(second.end_offset)), '--stop-position', at(first.start_file, Number(first.start_offset)));
      await refused(scene, 'NOT_COVERED', 3, '--start-position', formatPosition(early));
      await refused(scene, 'NOT_COVERED', 3, '--start-datetime', '2020-01-01T00:00:00Z');
      await refused(scene, 'NOT_COVERED', 3, '--table', `${scene.schema}.t`, '--stop-datetime', '2999-01-01T00:00:00Z');
      await refused(scene, 'POSITION_INVALID', 2, '--start-position', 'other.000001:4');
      await refused(scene, 'TABLE_UNKNOWN', 2, '--table', `${scene.schema}.nowhere`);
      await refused(scene, 'OPID_UNKNOWN', 2, '--opid', '1_2_3');
      await refused(scene, 'SOURCE_UNKNOWN', 2, '--source', 'nobody', '--opid', '1').catch((error: unknown) => {
        // --source is given twice by this helper: that is refused as well.
        assert.match(String(error), /USAGE/);
      });

      await daemon.stop();
      await scene.db.query('INSERT INTO t VALUES (3)');
      const beyond = await refused(scene, 'NOT_COVERED', 3, '--table', `${scene.schema}.t`, '--stop-position', formatPosition(await scene.position()));
      assert.match(beyond, /The log reaches to \S+:\d+, not yet to/);
    });

    it('are refused over gaps, DDL, changed tables, triggers and tables that cannot roll back, unless that is allowed', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query(`CREATE TABLE gone (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE cut (id INT PRIMARY KEY, n INT) ENGINE=InnoDB;
        CREATE TABLE same (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE loud (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE flat (id INT PRIMARY KEY) ENGINE=MyISAM;
        CREATE TABLE said (id INT PRIMARY KEY) ENGINE=InnoDB`);
      const start = formatPosition(await scene.position());
      await scene.db.query(`INSERT INTO gone VALUES (1, 1); INSERT INTO cut VALUES (1, 1), (2, 2); INSERT INTO same VALUES (1, 1); INSERT INTO loud VALUES (1); INSERT INTO flat VALUES (1); INSERT INTO said VALUES (1)`);
      await scene.caughtUp();
      const stop = formatPosition(await scene.position());
      await scene.db.query(`ALTER TABLE gone DROP COLUMN n; TRUNCATE TABLE cut; INSERT INTO cut VALUES (9, 9); CREATE INDEX by_n ON same (n);
        CREATE TRIGGER later BEFORE DELETE ON loud FOR EACH ROW SET @x = 1`);
      const tables = (name: string): string[] => ['--table', `${scene.schema}.${name}`];
      await refused(scene, 'DEFINITION_CHANGED', 3, ...tables('gone'), '--start-position', start, '--stop-position', stop);
      assert.match(await refused(scene, 'NOT_UNDOABLE', 3, ...tables('cut'), '--start-position', start), /TRUNCATETABLE of \S+cut at \S+.*1 operations before it are left out/);
      await applied(scene, await made(scene, ...tables('cut'), '--start-position', start, '--allow', 'dataloss'));
      assert.deepEqual(await query(scene.db, 'SELECT * FROM cut'), []);
      await applied(scene, await made(scene, ...tables('same'), '--start-position', start, '--stop-position', stop));
      assert.deepEqual(await query(scene.db, 'SELECT * FROM same'), []);
      // Without the CREATE TRIGGER, which would be undone first.
      await refused(scene, 'TRIGGERS_WOULD_FIRE', 3, ...tables('loud'), '--start-position', start, '--stop-position', stop);
      await made(scene, ...tables('loud'), '--start-position', start, '--stop-position', stop, '--allow', 'trigger');
      await refused(scene, 'NOT_ATOMIC', 3, ...tables('flat'), '--start-position', start);
      assert.match(await made(scene, ...tables('flat'), '--start-position', start, '--allow', 'nonatomic'), /^-- WARNING NOT_ATOMIC: /m);

      const session = await scene.session();
      await session.query("SET SESSION binlog_format = 'STATEMENT'; UPDATE said SET id = 5");
      await session.end();
      assert.match(await refused(scene, 'GAP_IN_RANGE', 3, ...tables('said'), '--start-position', start), /statement-dml/);
      assert.match(await made(scene, ...tables('said'), '--start-position', start, '--allow', 'gap'), /^-- WARNING GAP_IN_RANGE: /m);
      const told = (await scene.cli('plan', '--source', scene.alias, '--database', scene.schema, '--start-position', start)).stdout;
      assert.match(told, /^\d+ operations in \d+ transactions$/m);
      assert.match(told, /^ {2}thread (\d+|unknown), user /m, 'who did it stands in the plan');
      const plan = await scene.json<{ findings: { code: string }[] }>('plan', '--source', scene.alias, '--database', scene.schema, '--start-position', start);
      const codes = new Set(plan.findings.map(({ code }) => code));
      for (const code of ['GAP_IN_RANGE', 'NOT_UNDOABLE', 'NOT_ATOMIC']) assert.ok(codes.has(code), code);
    });

    it('carry users\' SQL as comments that stay comments, and a mark into the binlog', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1), (2, 2)');
      const start = formatPosition(await scene.position());
      const trap = join(tmpdir(), `${scene.schema}.trap`);
      await scene.db.query(`UPDATE t SET n = 5 WHERE id = 1 /* \n\\! touch ${trap}\nDROP TABLE t; -- */`);
      const text = await made(scene, '--start-position', start);
      assert.match(text, /-- .*DROP TABLE t/);
      await applied(scene, text);
      assert.equal(existsSync(trap), false);
      assert.deepEqual(await query(scene.db, 'SELECT * FROM t'), [{ id: 1, n: 1 }, { id: 2, n: 2 }]);
      const [, id] = /rollback script ([0-9a-f]{16})/.exec(text) ?? [];
      await scene.caughtUp();
      const marked = (await scene.operations()).at(-1);
      assert.match(String(marked?.statement), new RegExp(`^UPDATE /\\*.?999999 binlog-undo:${id ?? '?'} \\*/`));
    });
  });
});
