import assert from 'node:assert/strict';
import { quoteName, quoteTable } from '../../../src/core/identifiers.ts';
import { comparePositions, type Position } from '../../../src/core/position.ts';
import { query, type Scene } from '../../support/scene.ts';

interface Batch {
  readonly table: string;
  readonly from: Position;
  readonly to: Position;
  readonly before: string;
  readonly after: string;
}

/** Changes of rows whose table was copied before and after, so that each can be undone by itself later, whatever DDL came since. */
export class Batches implements AsyncDisposable {
  readonly #scene: Scene;
  readonly #copies: string;
  readonly #batches: Batch[] = [];

  private constructor(scene: Scene) {
    this.#scene = scene;
    this.#copies = `${scene.schema}_copies`;
  }

  static async open(scene: Scene): Promise<Batches> {
    const batches = new Batches(scene);
    await scene.db.query(`CREATE DATABASE ${quoteName(batches.#copies)}`);
    return batches;
  }

  get count(): number {
    return this.#batches.length;
  }

  /** Runs statements that change rows of one table. */
  async run(table: string, sql: string): Promise<void> {
    const number = this.#batches.length;
    const before = await this.#copy(table, `b${number}_before`);
    const from = await this.#scene.position();
    await this.#scene.db.query(sql);
    const to = await this.#scene.position();
    this.#batches.push({ table, from, to, before, after: await this.#copy(table, `b${number}_after`) });
  }

  /** Puts each table back to how it was after its batch, undoes the batch by the backup rows, and compares. The daemon must not run. */
  async verify(): Promise<void> {
    const { db, schema } = this.#scene;
    const operations = await this.#scene.operations();
    for (const { table, from, to, before, after } of this.#batches) {
      const own = operations.filter((row) => {
        const start = { file: String(row.start_file), offset: Number(row.start_offset) };
        return Number(row.ddl) === 0 && row.table_name === table && comparePositions(start, from) >= 0 && comparePositions(start, to) < 0;
      });
      const name = quoteTable(schema, table);
      await db.query(`SET foreign_key_checks = 0; DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} LIKE ${after}`);
      await this.#fill(name, after);
      assert.equal(await this.#checksum(name), await this.#checksum(after));
      await this.#scene.undo(own);
      const why = `${table} between ${from.file}:${from.offset} and ${to.offset}: ${own.map((row) => `${String(row.type)} ${String(row.state)} ${String(row.statement)}`).join('; ')}`;
      assert.equal(await this.#checksum(name), await this.#checksum(before), why);
      await db.query(`DROP TABLE ${name}`);
    }
  }

  async #copy(table: string, as: string): Promise<string> {
    const copy = quoteTable(this.#copies, as);
    await this.#scene.db.query(`CREATE TABLE ${copy} LIKE ${quoteTable(this.#scene.schema, table)}`);
    await this.#fill(copy, quoteTable(this.#scene.schema, table));
    return copy;
  }

  /** From a table of the same columns. */
  async #fill(to: string, from: string): Promise<void> {
    const [schema, table] = to.slice(1, -1).split('`.`');
    const columns = await query(this.#scene.db,
      "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = ? AND table_name = ? AND COALESCE(generation_expression, '') = ''", [schema!, table!]);
    const list = columns.map(({ name }) => quoteName(String(name))).join(', ');
    await this.#scene.db.query(`SET @@session.sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'; INSERT INTO ${to} (${list}) SELECT ${list} FROM ${from}; SET @@session.sql_mode = DEFAULT`);
  }

  async #checksum(table: string): Promise<string> {
    const [found] = await query(this.#scene.db, `CHECKSUM TABLE ${table}`);
    return String(found?.Checksum);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scene.db.query(`DROP DATABASE ${quoteName(this.#copies)}`);
  }
}
