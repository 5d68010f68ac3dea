import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import type { ScriptHistory } from '../../src/script/index.ts';
import { applyWithMysql } from '../support/any-server.ts';
import { Scene, applyWithClient, query, type Row } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

const TABLES = ['kept', 'heap'] as const;

async function content(scene: Scene): Promise<Record<string, Row[]>> {
  const found: Record<string, Row[]> = {};
  for (const table of TABLES) found[table] = await query(scene.db, `SELECT * FROM ${table} ORDER BY 1, 2`);
  return found;
}

/** A table with a key and one without, and an accident in the former. */
async function accident(scene: Scene): Promise<string> {
  await scene.db.query(`CREATE TABLE kept (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE heap (a INT, b INT) ENGINE=InnoDB;
    INSERT INTO kept VALUES (1, 1), (2, 2), (3, 3); INSERT INTO heap VALUES (1, 1), (1, 1), (2, 2)`);
  const start = formatPosition(await scene.position());
  await scene.db.query('UPDATE kept SET n = n + 100 WHERE id < 3; DELETE FROM kept WHERE id = 3; INSERT INTO kept VALUES (4, 4)');
  return start;
}

async function made(scene: Scene, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await scene.cli('script', '--source', scene.alias, ...args);
  assert.equal(status, 0, stderr);
  return stdout;
}

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  describe(`scripts for ${source.kind} run once, and can be undone themselves`, () => {
    it('a second run changes nothing, with a guard and without, also where the accident came again', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      const start = await accident(scene);
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const range = ['--start-position', start, '--stop-position', stop];
      const guarded = await made(scene, ...range);
      const unguarded = await made(scene, ...range, '--guard', 'none');
      const first = await scene.apply(guarded);
      assert.equal(first.status, 0, first.stderr);
      const undone = await content(scene);
      for (const text of [guarded, unguarded]) for (const args of [[], ['--force']]) {
        assert.notEqual((await applyWithClient(source, text, args)).stderr, '');
        assert.deepEqual(await content(scene), undone);
      }
      // Rows without a key look alike before and after, and a repeated accident looks like the first: only a note tells.
      await scene.db.query('CREATE TABLE once (script CHAR(16) PRIMARY KEY, applied TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB');
      const again = formatPosition(await scene.position());
      await scene.db.query('DELETE FROM heap WHERE a = 1; UPDATE kept SET n = n + 100 WHERE id < 3');
      const end = formatPosition(await scene.position());
      await scene.caughtUp();
      const window = ['--start-position', again, '--stop-position', end];
      const warned = await scene.cli('script', '--source', scene.alias, ...window);
      assert.match(warned.stderr, /heap has no key: a second run of the script would insert its deleted rows once more/);
      const noted = await made(scene, ...window, '--once-table', `${scene.schema}.once`);
      const applied = await scene.apply(noted);
      assert.equal(applied.status, 0, applied.stderr);
      assert.deepEqual(await content(scene), undone);
      await scene.db.query('UPDATE kept SET n = n + 100 WHERE id < 3; DELETE FROM heap WHERE a = 1');
      const repeated = await content(scene);
      for (const args of [[], ['--force']]) {
        const second = await applyWithClient(source, noted, args);
        assert.match(second.stderr, /this script has been applied already/);
        assert.deepEqual(await content(scene), repeated);
      }
      // Two runs that both saw no note: the note itself is exact.
      const blind = noted.replace(/^SET @a=\(SELECT.*$/m, 'SET @a=1;');
      for (const args of [[], ['--force']]) {
        assert.match((await applyWithClient(source, blind, args)).stderr, /Duplicate entry/);
        assert.deepEqual(await content(scene), repeated);
      }
    });

    it('nothing is changed while another script runs, and a broken one gives way', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      const start = await accident(scene);
      const text = await made(scene, '--start-position', start);
      const before = await content(scene);
      const other = await scene.session();
      try {
        // All of a script but its end: as a client that hangs, and later dies, in the middle.
        await other.query(text.slice(0, text.indexOf('-- statements:')));
        for (const args of [[], ['--force']]) {
          assert.match((await applyWithClient(source, text, args)).stderr, /another script of binlog-undo runs here/);
          assert.deepEqual(await content(scene), before);
        }
      } finally {
        other.destroy();
      }
      const taken = async (): Promise<boolean> => Number((await query(scene.db, `SELECT IS_USED_LOCK('binlog-undo:${scene.schema}') IS NOT NULL AS taken`))[0]?.taken) === 1;
      while (await taken()) await query(scene.db, 'SELECT SLEEP(0.02)');
      const applied = await scene.apply(text);
      assert.equal(applied.status, 0, applied.stderr);
      assert.equal(await taken(), false);
    });

    it('a run is told by its mark through both clients, listed, and taken back like anything else', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      const start = await accident(scene);
      const harm = await content(scene);
      for (const [round, apply] of (source.flavour === 'mysql' ? [applyWithClient, applyWithMysql] : [applyWithClient]).entries()) {
        const text = await made(scene, '--start-position', start, '--stop-position', formatPosition(await scene.position()), '--wait', '60');
        const [, id = ''] = /rollback script ([0-9a-f]{16})/.exec(text) ?? [];
        assert.match((await scene.cli('script', '--source', scene.alias, '--script', id)).stderr, /^binlog-undo: SCRIPT_UNKNOWN: .*holds no run of a script/);
        const applied = await apply(source, text);
        assert.equal(applied.status, 0, applied.stderr);
        assert.deepEqual((await content(scene)).kept, [{ id: 1, n: 1 }, { id: 2, n: 2 }, { id: 3, n: 3 }]);
        await scene.caughtUp();
        const found = await scene.json<{ operations: { byScript: string; type: string }[] }>('find', '--source', scene.alias, '--script', id);
        // Each statement of a script is an operation (the two updated rows share one); one of each table carries the mark, which stands for the transaction.
        // A later round takes back what the round before did and took back, and the accident.
        assert.ok(found.operations.length === 3 * (2 * round + 1) && found.operations.every(({ byScript }) => byScript === id), JSON.stringify(found));
        assert.match((await scene.cli('find', '--source', scene.alias, '--limit', '1')).stdout, new RegExp(`by the rollback script ${id}`));
        assert.match((await scene.cli('plan', '--source', scene.alias, '--table', `${scene.schema}.kept`)).stdout, new RegExp(`warning: Among what is undone are runs of rollback scripts: .*${id}`));
        const history = await scene.json<ScriptHistory>('scripts', '--id', id);
        assert.ok(history.scripts[0]?.applied, 'the history tells that it was applied');
        // The undo of the undo; the next round undoes the accident once more.
        const back = await apply(source, await made(scene, '--script', id));
        assert.equal(back.status, 0, back.stderr);
        assert.deepEqual(await content(scene), harm);
        await scene.caughtUp();
        await scene.db.query('UPDATE kept SET n = n WHERE id = 1');
      }
    });
  });
});
