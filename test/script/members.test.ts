import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, query } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

for (const source of sources()) it(`writes ENUM and SET by label once their members have changed on ${source.kind}`, async () => {
  await using scene = await Scene.open(source, backup(source.flavour));
  await using daemon = await scene.startDaemon();
  const sets = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => `'s${from + i}'`).join(',');
  await scene.db.query(`
    CREATE TABLE keyed (k ENUM('one','two','it''s','4') PRIMARY KEY, e ENUM('','b,c','\u00fc') NOT NULL, s SET(${sets(0, 8)}), v INT);
    CREATE TABLE keyless (e ENUM('x','','Y'), s SET('a','b') NOT NULL);
    INSERT INTO keyed VALUES ('one', 1, 's0,s7', 1), ('it''s', 3, '', 2), ('4', 2, NULL, 3);
    SET SESSION sql_mode = ''; INSERT INTO keyless VALUES (0, 'a'), (2, ''), (NULL, 'a,b'), ('Y', 'b'), (2, 'a');`);
  const text = async (): Promise<unknown[]> => [
    // The order in which a SET is shown is that of its list.
    (await query(scene.db, 'SELECT k, e, s, v FROM keyed ORDER BY CAST(k AS CHAR)')).map((row) => ({ ...row, s: row.s === null ? null : String(row.s).split(',').sort() })),
    // Only 0 is not a member: its text is that of the member ''.
    (await query(scene.db, "SELECT CONCAT_WS('|', IFNULL(e, 'NULL'), e = 0, FIND_IN_SET('a', s) > 0, FIND_IN_SET('b', s) > 0) AS r FROM keyless")).map(({ r }) => String(r)).sort(),
  ];
  const before = await text();
  const start = await scene.position();
  await scene.db.query(`UPDATE keyed SET k = 'two', e = '\u00fc', s = 's1,s2' WHERE k = 'one'; UPDATE keyed SET e = 'b,c' WHERE k = 'it''s'; DELETE FROM keyed WHERE k = '4'; UPDATE keyed SET s = 's3' WHERE v = 2;
    DELETE FROM keyless WHERE s = ''; UPDATE keyless SET e = '' WHERE s = 'b'; DELETE FROM keyless WHERE e = 0 AND s = 'a' LIMIT 1; UPDATE keyless SET s = '' WHERE e IS NULL`);
  const stop = await scene.position();
  await scene.caughtUp();
  // Other numbers for every member, and another width for the SET.
  await scene.db.query(`ALTER TABLE keyed MODIFY k ENUM('zero','4','it''s','two','one') NOT NULL, MODIFY e ENUM('new','\u00fc','b,c','') NOT NULL, MODIFY s SET('s9',${sets(4, 8)},'s10',${sets(0, 4)});
    ALTER TABLE keyless MODIFY e ENUM('Y','n','','x'), MODIFY s SET('c','b','a') NOT NULL`);
  await scene.caughtUp();
  const script = await scene.cli('script', '--database', scene.schema, '--start-position', formatPosition(start), '--stop-position', formatPosition(stop));
  assert.equal(script.status, 0, script.stderr);
  assert.match(script.stdout, /`k`='one', `e`='', `s`='s7,s0' WHERE `k`='two'/);
  const applied = await scene.apply(script.stdout);
  assert.equal(applied.status, 0, applied.stderr);
  assert.deepEqual(await text(), before);

  await scene.db.query("ALTER TABLE keyed MODIFY k ENUM('4','it''s','one') NOT NULL");
  await scene.caughtUp();
  const refused = await scene.cli('script', '--table', `${scene.schema}.keyed`, '--start-position', formatPosition(start), '--stop-position', formatPosition(stop));
  assert.equal(refused.status, 3);
  assert.match(refused.stderr, /DEFINITION_CHANGED: .*column k was enum\('one','two'.*is enum\('4'/);
  await daemon.stop();
});
