import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteTable } from '../../src/core/identifiers.ts';
import { PartWatch } from '../chaos/support/part-watch.ts';
import { Scene, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

const MEGABYTE = 1024 * 1024;
/** Beyond it three times the largest event would be allowed; the rows events of these tables have 8 kB. */
const MOST_MEMORY = 256 * MEGABYTE;
/** A power of ten. */
const ROWS = Number(process.env.CHAOS_LARGE_ROWS ?? 1_000_000);

for (const [index, source] of sources().entries()) describe(`large transactions on ${source.kind}`, () => {
  it(`takes ${ROWS} rows of one statement, and 100,000 statements, in flat memory, and nobody sees a part of them`, async () => {
    await using scene = await Scene.open(source, backups()[index % backups().length]!);
    await scene.db.query(`CREATE TABLE digits (d INT PRIMARY KEY); INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
      CREATE TABLE big (id INT PRIMARY KEY, name VARCHAR(60), amount DECIMAL(10,2)); CREATE TABLE many (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40))`);
    await scene.db.query(`CREATE PROCEDURE fill(n INT) BEGIN DECLARE i INT DEFAULT 0; START TRANSACTION;
      WHILE i < n DO INSERT INTO many (v) VALUES (CONCAT('value number ', i)); SET i = i + 1; END WHILE; COMMIT; END`);
    await using daemon = await scene.startDaemon();
    const digits = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].slice(0, Math.round(Math.log10(ROWS)));
    const watch = new PartWatch(scene, 'big', ROWS);
    watch.start();
    await scene.db.query(`INSERT INTO big SELECT ${digits.map((name, i) => `${name}.d * ${10 ** i}`).join(' + ')}, CONCAT('customer ', a.d, b.d, c.d, ' of ', d.d, e.d, f.d), a.d + 0.5
      FROM ${digits.map((name) => `digits ${name}`).join(', ')}`);
    await scene.caughtUp({ seconds: 600 + ROWS / 5000 });
    await watch.stop();
    assert.ok(watch.unseen.log > 0 && watch.unseen.backup > 0, 'it was never looked at in the middle');
    const afterOne = daemon.peakMemory();
    await scene.db.query('CALL fill(100000)');
    await scene.caughtUp();
    const afterMany = daemon.peakMemory();
    assert.equal(afterOne < MOST_MEMORY, true, `${Math.round(afterOne / MEGABYTE)} MB after a million rows`);
    assert.equal(afterMany < MOST_MEMORY, true, `${Math.round(afterMany / MEGABYTE)} MB after 100,000 statements`);
    const [transactions] = await scene.ledgerRows('SELECT COUNT(DISTINCT ordinal) AS transactions, COUNT(*) AS operations, SUM(inserted) AS inserted, COUNT(DISTINCT opid) AS opids FROM operations');
    assert.deepEqual(Object.values(transactions!).map(Number), [2, 100_001, ROWS + 100_000, 100_001]);
    for (const [table, count] of [['big', ROWS], ['many', 100_000]] as const) {
      const [rows] = await query(scene.log, `SELECT COUNT(*) AS found FROM ${quoteTable(scene.backupDatabase, table)}`);
      assert.equal(Number(rows?.found), count);
    }
    await daemon.stop();
  });
});
