import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RowDataPacket } from 'mysql2/promise';
import { readUnlocked } from '../../src/schema/read-unlocked.ts';
import { connect, sources, uniqueSchema } from '../support/servers.ts';

for (const source of sources()) it(`reads a definition with its SHOW CREATE TABLE text on ${source.kind}`, async () => {
  const db = await connect(source, { multipleStatements: true });
  const schema = uniqueSchema('read');
  try {
    await db.query(`CREATE DATABASE ${schema}; USE ${schema};
      CREATE TABLE t (id INT PRIMARY KEY COMMENT 'a \`quoted\` \u{1F600}', v VARCHAR(9) DEFAULT 'it''s', KEY (v)); CREATE VIEW w AS SELECT 1 AS one`);
    const [shown] = await db.query<RowDataPacket[]>('SHOW CREATE TABLE t');
    const definition = await readUnlocked(db, schema, 't');
    assert.equal(definition?.sql, shown[0]?.['Create Table']);
    assert.deepEqual(definition?.columns.map(({ name }) => name), ['id', 'v']);
    assert.equal(await readUnlocked(db, schema, 'absent'), null);
    assert.match((await readUnlocked(db, schema, 'w'))?.sql ?? '', /VIEW/);
  } finally {
    await db.query(`DROP DATABASE IF EXISTS ${schema}`);
    await db.end();
  }
});
