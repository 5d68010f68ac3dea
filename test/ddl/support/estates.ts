import assert from 'node:assert/strict';
import { quoteName, quoteTable } from '../../../src/core/identifiers.ts';
import { query, type Row, type Scene } from '../../support/scene.ts';
import { until } from '../../support/until.ts';
import { setup, type Case } from '../corpus.ts';

/** The definition but for its counter, which no undo can take back. */
export const withoutCounter = (sql: string): string => sql.replace(/ AUTO_INCREMENT=\d+/, '');

/** MariaDB 10.11 prints an option of the engine as it was written, 11.8, where its statements are run again, with quotes. */
const withoutQuotes = (sql: string): string => sql.replace(/(`PAGE_COMPRESS\w+`=)'(\d+)'/g, '$1$2');

/** Every table's definition, by schema and name. */
export type Definitions = ReadonlyMap<string, string>;

/** One schema for each case, since names of constraints are a schema's own; all of them captured by one daemon. */
export class Estates implements AsyncDisposable {
  readonly #scene: Scene;
  readonly #cases: readonly Case[];
  readonly #schemas: readonly string[];

  private constructor(scene: Scene, cases: readonly Case[]) {
    this.#scene = scene;
    this.#cases = cases;
    this.#schemas = cases.map((_, i) => `${scene.schema}_${i}`);
  }

  static async open(scene: Scene, cases: readonly Case[]): Promise<Estates> {
    const estates = new Estates(scene, cases);
    for (const [i, { base }] of cases.entries()) {
      await scene.db.query(`CREATE DATABASE ${estates.#schemas[i]!} CHARACTER SET utf8mb4; USE ${estates.#schemas[i]!}`);
      for (const statement of setup(base)) await scene.db.query(statement);
    }
    return estates;
  }

  get env(): Record<string, string> {
    return { BINLOG_UNDO_INCLUDE_DATABASE: this.#schemas.join(',') };
  }

  /** Definitions count once the stream has passed their reading. */
  async settled(): Promise<void> {
    await until('every definition is proven', async () => {
      await this.#scene.db.query(`CREATE TABLE IF NOT EXISTS ${this.#schemas[0]!}.warm (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO ${this.#schemas[0]!}.warm VALUES ()`);
      await this.#scene.caughtUp();
      const [found] = await this.#scene.ledgerRows("SELECT SUM(proven = 0) AS waiting, SUM(table_name = '') AS whole FROM definitions WHERE until_number IS NULL");
      return Number(found?.whole) === this.#schemas.length && Number(found?.waiting) === 0;
    });
  }

  async alter(): Promise<void> {
    for (const [i, { sql }] of this.#cases.entries()) {
      const schema = this.#schemas[i]!;
      const statement = /^(CREATE|RENAME TABLE|DROP INDEX .* ON)/.test(sql) ? sql : `ALTER TABLE t ${sql}`;
      await this.#scene.db.query(`USE ${schema}; ${statement.replaceAll('{db}', schema)}`);
    }
  }

  async definitions(): Promise<Definitions> {
    const found = new Map<string, string>();
    for (const schema of this.#schemas) {
      const tables = await query(this.#scene.db, "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1", [schema]);
      for (const { name } of tables) {
        // Made of a partition, which goes back without its rows: the table stays.
        if (name === 'other') continue;
        const [shown] = await query(this.#scene.db, `SHOW CREATE TABLE ${schema}.${quoteName(String(name))}`);
        found.set(`${schema}.${String(name)}`, withoutQuotes(withoutCounter(String(shown!['Create Table']))));
      }
    }
    return found;
  }

  /** The statements that undo one operation. Not as Archery asks for them, whose unquoted names the odd tables of the corpus do not go with. */
  async rollback({ schema_name: schema, table_name: table, opid }: Row): Promise<string[]> {
    const database = `${this.#scene.alias}_${this.#scene.source.port}_${String(schema)}`;
    const found = await query(this.#scene.log, `SELECT rollback_statement AS text FROM ${quoteTable(database, String(table))} WHERE opid_time = ? ORDER BY id`, [String(opid)]);
    return found.map(({ text }) => String(text));
  }

  compare(by: string, expected: Definitions, found: Definitions): void {
    const failures = this.#cases.flatMap(({ base, sql }, i) => {
      const lines = (all: Definitions): string[] => [...all].filter(([name]) => name.startsWith(`${this.#schemas[i]!}.`)).flatMap(([name, text]) => text.split('\n').map((line) => `${name}: ${line}`));
      const [wanted, present] = [lines(expected), lines(found)];
      if (wanted.join('\n') === present.join('\n')) return [];
      return [[`[${base}] ${sql}`, ...wanted.filter((line) => !present.includes(line)).map((line) => `  missing ${line}`), ...present.filter((line) => !wanted.includes(line)).map((line) => `  instead ${line}`)].join('\n')];
    });
    assert.equal(failures.length, 0, `by ${by}, ${failures.length} of ${this.#cases.length}:\n${failures.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const schema of this.#schemas) await this.#scene.db.query(`DROP DATABASE ${schema}`);
  }
}
