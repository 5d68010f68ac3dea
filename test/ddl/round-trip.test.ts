import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { columnRenames } from '../../src/binlog/sql/column-renames.ts';
import { alterBack, type TableState } from '../../src/rollback/ddl/alter-back.ts';
import { ROLLBACK_SQL_MODE } from '../../src/rollback/session.ts';
import { query } from '../support/scene.ts';
import { connect, sources, uniqueSchema } from '../support/servers.ts';
import { corpus, setup, type Case } from './corpus.ts';

/** The definition but for its counter, which no undo can take back. */
const withoutCounter = (sql: string): string => sql.replace(/ AUTO_INCREMENT=\d+/, '');

async function stateOf(db: Connection, schema: string, table: string): Promise<TableState> {
  const [shown] = await query(db, `SHOW CREATE TABLE \`${schema}\`.\`${table.replaceAll('`', '``')}\``);
  return { schema, table, sql: String(shown!['Create Table']) };
}

async function tablesOf(db: Connection, schema: string): Promise<string[]> {
  return (await query(db, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1', [schema])).map(({ name }) => String(name));
}

describe('DDL undo brings back the definition exactly', { concurrency: true }, () => {
  for (const server of sources()) describe(server.kind, () => {
    const schema = uniqueSchema('ddl');
    let db: Connection;
    let undo: Connection;

    before(async () => {
      db = await connect(server);
      // As a script runs: another session mode, no default schema.
      undo = await connect(server);
      await undo.query(`SET SESSION sql_mode='${ROLLBACK_SQL_MODE}'`);
      await db.query(`CREATE DATABASE \`${schema}\` CHARACTER SET utf8mb4`);
      await db.query(`USE \`${schema}\``);
    });
    after(async () => {
      await db.query(`DROP DATABASE \`${schema}\``);
      await db.end();
      await undo.end();
    });

    const roundTrip = async ({ base, sql }: Case): Promise<void> => {
      const tables = await tablesOf(db, schema);
      await db.query('SET foreign_key_checks=0');
      for (const table of tables) await db.query(`DROP TABLE \`${table.replaceAll('`', '``')}\``);
      await db.query('SET foreign_key_checks=1');
      for (const statement of setup(base)) await db.query(statement);
      const had = await tablesOf(db, schema);
      const was = await stateOf(db, schema, 't');
      const statement = (/^(CREATE|RENAME TABLE|DROP INDEX .* ON)/.test(sql) ? sql : `ALTER TABLE t ${sql}`).replaceAll('{db}', `\`${schema}\``);
      await db.query(statement);
      const present = await tablesOf(db, schema);
      const name = present.includes('t') ? 't' : present.find((table) => !had.includes(table))!;
      const is = await stateOf(db, schema, name);
      const back = alterBack(is, was, columnRenames(statement, { sqlMode: 0, flavour: server.flavour }), server.flavour);
      for (const one of back) await undo.query(one);
      const restored = await stateOf(db, schema, 't');
      assert.equal(withoutCounter(restored.sql), withoutCounter(was.sql), `${statement}\n${back.join('; ') || '(nothing to undo)'}`);
    };

    const cases = corpus(server.flavour);
    it(`for each of ${cases.length} statements`, async () => {
      assert.ok(cases.length >= 150);
      const failures: string[] = [];
      for (const one of cases) await roundTrip(one).catch((error: unknown) => failures.push(`[${one.base}] ${one.sql}\n    ${error instanceof Error ? error.message : String(error)}`));
      assert.equal(failures.length, 0, `${failures.length} of ${cases.length}:\n${failures.join('\n')}`);
    });
  });
});
