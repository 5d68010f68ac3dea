import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { objectsKnown } from '../support/objects-known.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

const TABLES = ['cut', 'gone', 'narrow', 'whole'] as const;

async function content(scene: Scene): Promise<Record<string, Row[]>> {
  const found: Record<string, Row[]> = {};
  for (const table of TABLES) found[table] = await query(scene.db, `SELECT * FROM ${table} ORDER BY id`);
  return found;
}

for (const source of sources()) describe(`scripts over lost data on ${source.kind}`, () => {
  it('leave exactly the rows as they were at the cut, and all else as it was before', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await scene.db.query(`CREATE TABLE warm (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE cut (id INT PRIMARY KEY, v INT) ENGINE=InnoDB; CREATE TABLE gone LIKE cut; CREATE TABLE whole LIKE cut;
      CREATE TABLE narrow (id INT PRIMARY KEY, v INT, w VARCHAR(9)) ENGINE=InnoDB; INSERT INTO narrow VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three')`);
    for (const table of ['cut', 'gone', 'whole']) await scene.db.query(`INSERT INTO ${table} VALUES (1, 1), (2, 2), (3, 3)`);
    await using daemon = await scene.startDaemon();
    await objectsKnown(scene);
    const start = formatPosition(await scene.position());
    const was = await content(scene);
    await scene.db.query(`UPDATE cut SET v = 5 WHERE id = 1; INSERT INTO whole VALUES (4, 4); UPDATE gone SET v = 5; INSERT INTO narrow VALUES (4, 4, 'four'); UPDATE narrow SET v = 50 WHERE id = 1; DELETE FROM narrow WHERE id = 2;
      TRUNCATE TABLE cut; INSERT INTO cut VALUES (7, 7), (8, 8); ALTER TABLE narrow DROP COLUMN w; DROP TABLE gone; DELETE FROM whole WHERE id = 1`);
    // Behind the cuts: all of it is undone.
    await scene.db.query(`UPDATE cut SET v = 70 WHERE id = 7; DELETE FROM cut WHERE id = 8; CREATE TABLE gone (id INT PRIMARY KEY, other TEXT) ENGINE=InnoDB; INSERT INTO gone VALUES (1, 'new');
      INSERT INTO narrow VALUES (5, 5); UPDATE narrow SET v = 60 WHERE id = 1; DELETE FROM narrow WHERE id = 3; UPDATE whole SET v = 9`);
    await scene.caughtUp();
    const range = ['--database', scene.schema, '--exclude-table', `${scene.schema}.warm`, '--start-position', start, '--allow', 'nonatomic'];
    const refused = await scene.cli('script', ...range);
    assert.equal(refused.status, 3, refused.stdout);
    assert.match(refused.stderr, /NOT_UNDOABLE/);
    const script = await scene.cli('script', ...range, '--allow', 'dataloss');
    assert.equal(script.status, 0, script.stderr);
    const run = await scene.apply(script.stdout);
    assert.equal(run.status, 0, `${run.stderr}\n${script.stdout}`);
    assert.deepEqual(await content(scene), {
      // What was done before TRUNCATE went with it.
      cut: [],
      gone: [],
      narrow: [{ id: 1, v: 50, w: null }, { id: 3, v: 3, w: null }, { id: 4, v: 4, w: null }],
      whole: was.whole,
    }, script.stdout);
    for (const table of ['cut', 'gone', 'narrow']) assert.match(script.stdout, new RegExp(`^-- WARNING NOT_UNDOABLE: \\w+ of ${scene.schema}\\.${table} at \\S+ is .*; \\d operations before it are left out`, 'm'));
    await daemon.stop();
  });
});
