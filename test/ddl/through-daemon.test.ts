import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { Scene } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';
import { corpus } from './corpus.ts';
import { Estates } from './support/estates.ts';

for (const source of sources()) describe(`the corpus of ALTERs through the daemon on ${source.kind}`, () => {
  it('comes back byte by byte from the backup tables and from scripts', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    await using estates = await Estates.open(scene, corpus(source.flavour));
    await using daemon = await scene.startDaemon(estates.env);
    await daemon.logged('definitions_read');
    await estates.settled();
    const was = await estates.definitions();
    const done = (await scene.operations()).length;
    await estates.alter();
    const altered = await estates.definitions();
    await scene.caughtUp();
    const operations = (await scene.operations()).slice(done).filter(({ state }) => state === 'captured');
    const start = formatPosition(await scene.position());
    const session = await scene.session();
    await session.query(`USE \`${source.flavour === 'mysql' ? 'mysql' : 'information_schema'}\``);
    const refused: string[] = [];
    for (const operation of operations.toReversed()) {
      for (const statement of await estates.rollback(operation)) await session.query(statement).catch((error: unknown) => refused.push(`${String(operation.statement)}\n  ${statement}\n  ${String(error)}`));
    }
    await session.end();
    assert.deepEqual(refused, []);
    estates.compare('the backup tables', was, await estates.definitions());
    await scene.caughtUp();
    // The undo of the undo.
    const stop = formatPosition(await scene.position());
    const script = await scene.cli('script', '--start-position', start, '--stop-position', stop, '--allow', 'nonatomic', '--allow', 'dataloss');
    assert.equal(script.status, 0, script.stderr);
    const run = await scene.apply(script.stdout);
    assert.equal(run.status, 0, run.stderr);
    estates.compare('a script', altered, await estates.definitions());
    await daemon.stop();
  });
});
