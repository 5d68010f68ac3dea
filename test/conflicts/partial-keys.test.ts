import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { PlanReport } from '../../src/script/index.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

// Keys over expressions are not followed: over them the server itself has to hold a script back, as it does over all in mode nocascade-force.
for (const [index, source] of sources().entries()) it(`values of keys over parts and expressions that others took are conflicts or named as not looked for, and a script over them changes nothing, on ${source.kind}`, async () => {
  await using scene = await Scene.open(source, backups()[index % backups().length]!);
  await using _daemon = await scene.startDaemon();
  const cases: { readonly table: string; readonly key: string; readonly followed: boolean }[] = [
    { table: 'part', key: 'UNIQUE KEY taken (v(4))', followed: true },
    { table: 'mixed', key: 'UNIQUE KEY taken (v(4), n)', followed: true },
    // MariaDB has keys over columns only.
    ...(source.flavour === 'mysql' ? [{ table: 'expression', key: 'UNIQUE KEY taken ((LEFT(LOWER(v), 4)))', followed: false }] : []),
  ];
  for (const { table, key } of cases) {
    await scene.db.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 1, v VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, ${key}) ENGINE=InnoDB;
      INSERT INTO ${table} (id, v) VALUES (1, 'alpha-one'), (2, 'beta-one'), (3, 'gamma-one'), (4, '\u00fcber-one')`);
  }
  await scene.caughtUp({ projected: false });
  for (const [what, accident, later, near] of [
    ['a deleted row', 'DELETE FROM # WHERE id = 1', "(11, 'ALPHABET')", "(21, 'ALP-HA')"],
    ['a changed value', "UPDATE # SET v = 'delta-one' WHERE id = 2", "(12, 'BETAMAX')", "(22, 'BET-A')"],
    ['text that only the server compares', 'DELETE FROM # WHERE id = 4', "(14, '\u00dcBERALL')", "(24, '\u00fcbel')"],
    ['one of several rows', 'DELETE FROM # WHERE id IN (2, 3)', "(13, 'GAMMARAY')", "(23, 'GAM-MA')"],
  ] as const) for (const { table, followed } of cases) {
    const name = `${scene.schema}.${table}`;
    await scene.db.query(accident.replace('#', table));
    await scene.caughtUp({ projected: false });
    const opid = String((await scene.operations()).at(-1)!.opid);
    await scene.db.query(`INSERT INTO ${table} (id, v) VALUES ${later}; INSERT INTO ${table} (id, v) VALUES ${near}`);
    await scene.caughtUp({ projected: false });
    const taker = String((await scene.operations()).at(-2)!.opid);
    const asked = ['--source', scene.alias, '--opid', opid];

    const plan = await scene.json<PlanReport>('plan', ...asked);
    assert.deepEqual(plan.conflicts.listed.map(({ kind, later: by }) => [kind, by.opid]), followed ? [['unique-key', taker]] : [], `${name}: ${what}`);
    const told = `Later rows that took a value of unique key taken of ${name}, which is over an expression, are not looked for: the script fails as a whole if there are any.`;
    assert.equal(plan.warnings.includes(told), !followed, plan.warnings.join('\n'));
    const held = await query(scene.db, `SELECT * FROM ${table} ORDER BY id`);
    for (const form of [[], ...(what === 'one of several rows' ? [['--form', 'single'], ['--guard', 'none']] : [])]) {
      const made = await scene.cli('script', ...asked, ...(followed ? ['--mode', 'nocascade-force'] : []), ...form);
      assert.equal(made.status, 0, made.stderr);
      assert.equal(made.stdout.includes(`-- WARNING ${told}`), !followed);
      for (const force of [[], ['--force']]) {
        const applied = await applyWithClient(source, made.stdout, force);
        assert.match(applied.stderr, /Duplicate entry/, `${name}: ${what}, ${[...form, ...force].join(' ')}`);
        assert.deepEqual(await query(scene.db, `SELECT * FROM ${table} ORDER BY id`), held, `${name}: ${what}, ${[...form, ...force].join(' ')}`);
      }
    }
  }
});
