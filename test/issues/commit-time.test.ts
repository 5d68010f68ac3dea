import assert from 'node:assert/strict';
import { test } from 'node:test';
import { query, Scene } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';
import { until } from '../support/until.ts';

// MariaDB states seconds, which never run backwards in the log; MySQL's own microseconds are taken as they are.
for (const what of ['prepared', 'not captured'] as const) {
  test(`commit times do not depend on a restart: the one before was ${what}`, async () => {
    await using scene = await Scene.open(source('mariadb'), backup('mariadb'));
    const other = `${scene.schema}_other`;
    await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY); CREATE DATABASE ${other}; CREATE TABLE ${other}.t (id INT PRIMARY KEY)`);
    const xid = `'${scene.schema}'`;
    const second = async (): Promise<number> => Number((await query(scene.db, 'SELECT UNIX_TIMESTAMP() AS now'))[0]!.now);
    const times = async (): Promise<number[]> => (await scene.ledgerRows('SELECT commit_micros FROM transactions ORDER BY ordinal')).map((row) => Number(row.commit_micros));
    try {
      const first = await scene.startDaemon();
      await scene.db.query('INSERT INTO t VALUES (1)');
      await scene.caughtUp();
      const before = (await times()).at(-1)!;
      const later = await until('the next second but one', async () => {
        const now = await second();
        return now * 1_000_000 > before + 1_000_000 && now;
      });
      await scene.db.query(what === 'prepared' ? `XA START ${xid}; INSERT INTO t VALUES (2); XA END ${xid}; XA PREPARE ${xid}` : `INSERT INTO ${other}.t VALUES (1)`);
      await scene.caughtUp();
      await first.stop();
      await using again = await scene.startDaemon();
      // A session says that it is the second of the first one still.
      const session = await scene.session();
      await session.query(`SET timestamp = ${Math.floor(before / 1_000_000)}; INSERT INTO t VALUES (3)`);
      await session.end();
      await scene.caughtUp();
      const after = (await times()).at(-1)!;
      assert.ok(after >= later * 1_000_000, `${after} comes before ${later}`);
      await again.stop();
    } finally {
      if (what === 'prepared') await scene.db.query(`XA ROLLBACK ${xid}`);
      await scene.db.query(`DROP DATABASE ${other}`);
    }
  });
}
