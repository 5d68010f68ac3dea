import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quoteTable } from '../../src/core/identifiers.ts';
import { Scene, query, type Row } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

for (const source of sources()) describe(`children of renamed parents on ${source.kind}`, () => {
  it('are made again with the names that their parents have by then', async () => {
    await using scene = await Scene.open(source, backup(source.flavour));
    const shown = async (): Promise<string> => String((await query(scene.db, `SHOW CREATE TABLE ${quoteTable(scene.schema, 'c')}`))[0]?.['Create Table']);
    await scene.db.query(`CREATE TABLE p (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE stays (id INT PRIMARY KEY) ENGINE=InnoDB;
      CREATE TABLE c (id INT PRIMARY KEY, p INT COMMENT 'FOREIGN KEY (\`p\`) REFERENCES \`p\` (\`id\`)', s INT, KEY (p), KEY (s),
        CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id), CONSTRAINT fk2 FOREIGN KEY (s) REFERENCES stays (id)) ENGINE=InnoDB`);
    await using daemon = await scene.startDaemon();
    await daemon.logged('definitions_read');
    await scene.caughtUp();
    // Two renames away, and another table that had the second name for a while.
    await scene.db.query('CREATE TABLE q (id INT PRIMARY KEY); DROP TABLE q; RENAME TABLE p TO q; ALTER TABLE q ADD COLUMN v INT, RENAME TO r');
    for (const sql of ['ALTER TABLE c DROP FOREIGN KEY fk, DROP FOREIGN KEY fk2', 'ALTER TABLE c ADD COLUMN v INT, DROP FOREIGN KEY fk', 'DROP TABLE c']) {
      const was = await shown();
      assert.match(was, /REFERENCES `r`/);
      await scene.caughtUp();
      const known = (await scene.operations()).length;
      await scene.db.query(sql);
      await scene.caughtUp();
      const [made] = (await scene.operations()).slice(known) as [Row];
      assert.equal(made.state, 'captured', sql);
      await scene.db.query(await scene.rollback(String(made.opid)));
      assert.equal(await shown(), was, sql);
    }
    await daemon.stop();
  });
});
