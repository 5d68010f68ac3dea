import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Scene } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

for (const [from, to] of [['mysql', 'mariadb'], ['mariadb', 'mysql']] as const) {
  it(`the history of plans and scripts of a ${from} source on ${to} is bounded by its own age and number, and what is still being written stays`, async () => {
    await using scene = await Scene.open(source(from), backup(to));
    await using daemon = await scene.startDaemon();
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)');
    await scene.caughtUp();
    const ids = async (): Promise<string[]> => (await scene.ledgerRows('SELECT id FROM scripts ORDER BY started, id')).map(({ id }) => String(id));
    /** One of each age in days; those of `open` have not ended, and gave a sign of life so many minutes ago. */
    const entry = async (id: string, days: number, open: number | null = null): Promise<void> => {
      await scene.ledgerRows(
        `INSERT INTO scripts (id, source_id, kind, state, requester, client, version, asked, started, touched, ended)
         SELECT ?, id, 'script', ?, 'r', 'c', 'v', 'a', UTC_TIMESTAMP(6) - INTERVAL ? DAY, UTC_TIMESTAMP(6) - INTERVAL ? MINUTE, ${open === null ? 'UTC_TIMESTAMP(6)' : 'NULL'} FROM sources`,
        [id, open === null ? 'complete' : 'running', days, open ?? 0]);
    };
    for (const [id, days] of [['a', 400], ['b', 300], ['c', 200], ['d', 100]] as const) await entry(id, days);
    await entry('dead', 380, 120);
    await entry('writing', 390, 1);
    const purge = async (...args: string[]): Promise<number> => {
      return (await scene.json<{ scripts: number }>('purge', '--history', ...args)).scripts;
    };
    const operations = (await scene.operations()).length;

    assert.equal(await purge('--dry-run'), 2);
    assert.deepEqual(await ids(), ['a', 'writing', 'dead', 'b', 'c', 'd']);
    assert.equal(await purge(), 2);
    assert.deepEqual(await ids(), ['writing', 'b', 'c', 'd']);
    assert.equal(await purge('--retention-history-entries', '2'), 1);
    assert.deepEqual(await ids(), ['writing', 'c', 'd']);
    assert.equal(await purge('--before', new Date(Date.now() - 150 * 86_400_000).toISOString()), 1);
    assert.equal(await purge('--keep', '1'), 0);
    assert.equal((await scene.cli('plan', '--source', scene.alias, '--table', `${scene.schema}.t`)).status, 0);
    assert.equal(await purge('--keep', '1'), 1);
    const [, last] = await ids();
    assert.match((await scene.cli('scripts')).stdout, new RegExp(`${last!}  plan complete`));
    for (const wrong of [['--keep', '1'], ['--history', '--max-bytes', '1G'], ['--history', '--force'], ['--history', '--keep', 'all'], ['--history', '--source', scene.alias]]) {
      assert.equal((await scene.cli('purge', ...wrong)).status, 2, wrong.join(' '));
    }
    // The log itself was left alone.
    assert.equal((await scene.operations()).length, operations);
    await daemon.stop();

    // The daemon does it by itself.
    await entry('old', 400);
    await using pruning = await scene.startDaemon({ BINLOG_UNDO_RETENTION_INTERVAL_SECONDS: '1' });
    assert.equal((await pruning.logged('history_purged')).scripts, 1);
    assert.equal((await ids()).includes('old'), false);
    await pruning.stop();
  });
}
