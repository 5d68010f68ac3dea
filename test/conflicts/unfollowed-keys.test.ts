import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { PlanReport } from '../../src/script/index.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

// The search for later changes compares keys of whole columns only: the server itself has to hold a script back over the others.
for (const [index, source] of sources().entries()) it(`values of keys over parts and expressions that others took make a script change nothing on ${source.kind}`, async () => {
  await using scene = await Scene.open(source, backups()[index % backups().length]!);
  await using _daemon = await scene.startDaemon();
  const cases: { readonly table: string; readonly key: string; readonly why: string }[] = [
    { table: 'part', key: 'UNIQUE KEY taken (v(4))', why: 'is over a part of a column only' },
    { table: 'mixed', key: 'UNIQUE KEY taken (n, v(4))', why: 'is over a part of a column only' },
    // MariaDB has keys over columns only.
    ...(source.flavour === 'mysql' ? [{ table: 'expression', key: 'UNIQUE KEY taken ((LEFT(LOWER(v), 4)))', why: 'is over an expression' }] : []),
  ];
  for (const { table, key } of cases) {
    await scene.db.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 1, v VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, ${key}) ENGINE=InnoDB;
      INSERT INTO ${table} (id, v) VALUES (1, 'alpha-one'), (2, 'beta-one'), (3, 'gamma-one')`);
  }
  await scene.caughtUp({ projected: false });
  for (const [what, accident, later] of [
    ['a deleted row', 'DELETE FROM TABLENAME WHERE id = 1', "INSERT INTO TABLENAME (id, v) VALUES (11, 'ALPHABET')"],
    ['a changed value', "UPDATE TABLENAME SET v = 'delta-one' WHERE id = 2", "INSERT INTO TABLENAME (id, v) VALUES (12, 'BETAMAX')"],
    ['one of several rows', 'DELETE FROM TABLENAME WHERE id IN (2, 3)', "INSERT INTO TABLENAME (id, v) VALUES (13, 'GAMMARAY')"],
  ] as const) for (const { table, why } of cases) {
    const name = `${scene.schema}.${table}`;
    await scene.db.query(accident.replaceAll('TABLENAME', table));
    await scene.caughtUp({ projected: false });
    const opid = String((await scene.operations()).at(-1)!.opid);
    await scene.db.query(later.replaceAll('TABLENAME', table));
    await scene.caughtUp({ projected: false });
    const asked = ['--source', scene.alias, '--opid', opid];

    const plan = await scene.json<PlanReport>('plan', ...asked);
    assert.equal(plan.conflicts.rows, 0, `${name}: ${what}`);
    assert.ok(plan.warnings.includes(`Later rows that took a value of unique key taken of ${name}, which ${why}, are not looked for: the script fails as a whole if there are any.`), plan.warnings.join('\n'));
    const held = await query(scene.db, `SELECT * FROM ${table} ORDER BY id`);
    for (const form of [[], ...(what === 'one of several rows' ? [['--form', 'single'], ['--guard', 'none']] : [])]) {
      const made = await scene.cli('script', ...asked, ...form);
      assert.equal(made.status, 0, made.stderr);
      assert.match(made.stdout, new RegExp(`^-- WARNING Later rows that took a value of unique key taken of ${name}, `, 'm'));
      for (const force of [[], ['--force']]) {
        const applied = await applyWithClient(source, made.stdout, force);
        assert.match(applied.stderr, /Duplicate entry/, `${name}: ${what}, ${[...form, ...force].join(' ')}`);
        assert.deepEqual(await query(scene.db, `SELECT * FROM ${table} ORDER BY id`), held, `${name}: ${what}, ${[...form, ...force].join(' ')}`);
      }
    }
  }
});
