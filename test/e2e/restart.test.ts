import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import type { Daemon } from '../support/daemon.ts';
import { Scene, type Row } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

/** A few sessions writing small transactions of every kind. */
async function write(scene: Scene, rounds: number, first = 0): Promise<void> {
  const sessions = await Promise.all([0, 1, 2].map(() => scene.session()));
  for (const session of sessions) await session.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  for (let round = 0; round < rounds; round++) {
    await Promise.all(sessions.map((session, i) => {
      const who = first + i;
      return session.query(
        `BEGIN; INSERT INTO t (who, v) VALUES (${who}, ${round}), (${who}, -${round}); UPDATE t SET v = v + 1 WHERE who = ${who} ORDER BY id LIMIT 3;
       DELETE FROM t WHERE who = ${who} AND v < 0 ORDER BY id LIMIT 1; COMMIT; UPDATE u SET n = n + 1 WHERE id = ${who}`);
    }));
  }
  await Promise.all(sessions.map((session) => session.end()));
}

const LARGE = "INSERT INTO t (who, v, note) SELECT 9, a.v, REPEAT('0123456789', 200) FROM t a, t b ORDER BY a.id, b.id LIMIT 4000";

/** What must not depend on who captured it, when, and how often it was interrupted. */
async function essence(scene: Scene): Promise<Record<'operations' | 'information' | 't' | 'u', unknown>> {
  const operations = (await scene.operations()).map((row) => Object.values(row).map(String).join(' '));
  const byOpid = (rows: readonly Row[]): Map<string, string[]> => {
    const groups = new Map<string, string[]>();
    for (const row of rows) {
      const key = String(row.opid_time);
      groups.set(key, [...groups.get(key) ?? [], String(row.rollback_statement)]);
    }
    return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const information = (await scene.information()).map((row) => Object.values(row).map(String).join(' '));
  return { operations, information, t: byOpid(await scene.backupRows('t')), u: byOpid(await scene.backupRows('u')) };
}

for (const [index, source] of sources().entries()) describe(`restarts while ${source.kind} is written to`, () => {
  it('loses nothing, repeats nothing, and gives the same operation ids', async () => {
    const backup = backups()[index % backups().length]!;
    await using calm = await Scene.open(source, backup);
    await calm.db.query(`CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, who INT, v INT, note TEXT, KEY (who));
      CREATE TABLE u (id INT PRIMARY KEY, n INT); INSERT INTO u VALUES (0, 0), (1, 0), (2, 0), (10, 0), (11, 0), (12, 0)`);
    const start = { BINLOG_UNDO_START_POSITION: formatPosition(await calm.position()) };
    await using troubled = await Scene.open(source, backup, { of: calm });
    await using steady = await calm.startDaemon(start);
    let daemon: Daemon = await troubled.startDaemon(start);
    await write(calm, 5);
    await Promise.all([calm.caughtUp(), troubled.caughtUp()]);
    await calm.db.query('ALTER TABLE u ADD COLUMN later INT');
    for (let life = 0; life < 7; life++) {
      // The end comes at a moment that nobody has chosen, once in the middle of a large transaction.
      const writing = write(calm, 10 + Math.floor(Math.random() * 40));
      if (life === 3) await calm.db.query(LARGE);
      if (life % 2 === 0) await writing;
      if (life === 5) await daemon.stop();
      else await daemon.kill();
      [daemon] = await Promise.all([troubled.startDaemon(start), write(calm, 10, 10), writing]);
    }
    await calm.caughtUp();
    await troubled.caughtUp();
    await daemon.kill();
    daemon = await troubled.startDaemon(start);
    await troubled.caughtUp();
    const [expected, found] = [await essence(calm), await essence(troubled)];
    for (const part of ['operations', 'information', 't', 'u'] as const) assert.deepEqual(found[part], expected[part], part);
    const operations = await calm.operations();
    assert.equal(operations.length > 1000, true);
    const ordinals = [...new Set(operations.map((row) => Number(row.ordinal)))];
    assert.deepEqual(ordinals, ordinals.map((_, i) => i + 1));
    assert.deepEqual(await calm.gaps(), []);
    assert.deepEqual(await troubled.gaps(), []);
    await daemon.stop();
    await steady.stop();
  });
});
