import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { allObjects, shownObjects } from '../support/objects.ts';
import { Scene, applyWithClient } from '../support/scene.ts';
import { objectsKnown } from '../support/objects-known.ts';
import { backup, sources } from '../support/servers.ts';

for (const source of sources()) describe(`scripts over a dropped table with triggers on ${source.kind}`, () => {
  it('bring the triggers back in their order', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    for (const sql of allObjects(source.flavour)) await scene.db.query(sql);
    await scene.db.query('CREATE TRIGGER told BEFORE DELETE ON t FOR EACH ROW BEGIN /* why; really */ SET @gone = OLD.id; -- to the end; of the line\n # and so on\n END');
    await using daemon = await scene.startDaemon();
    await objectsKnown(scene);
    const was = await shownObjects(scene.db, scene.schema);
    const start = formatPosition(await scene.position());
    await scene.db.query('DROP TABLE t');
    await scene.caughtUp();
    const script = await scene.cli('script', '--database', scene.schema, '--start-position', start, '--allow', 'nonatomic', '--allow', 'dataloss');
    assert.equal(script.status, 0, script.stderr);
    assert.match(script.stdout, /^-- run it in a session of its own, .* --comments --host=HOST/m);
    const applied = await applyWithClient(source, script.stdout, ['--comments']);
    assert.equal(applied.status, 0, `${applied.stdout}${applied.stderr}${script.stdout}`);
    assert.deepEqual(await shownObjects(scene.db, scene.schema), was);
    await daemon.stop();
  });
});
