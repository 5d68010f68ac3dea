import { quoteName } from '../../../src/core/identifiers.ts';
import { exactText } from '../../support/exact-text.ts';
import { query, type Row, type Scene } from '../../support/scene.ts';
import type { Dice } from './dice.ts';
import { withoutCounter } from './estates.ts';
import { alteration, change, columnType, toColumn, type LiveTable } from './random-statements.ts';

export interface TableState {
  readonly definition: string;
  /** One line for each row, every byte of it, sorted. */
  readonly rows: readonly string[];
}

/** Random DDL among random changes of rows, on the tables that one schema has at that moment. */
export class Turmoil {
  readonly counts = { ddl: 0, changes: 0, refused: 0 };
  /** Tables that DDL took data away from, with the last such statement. */
  readonly lost = new Map<string, string>();
  readonly #scene: Scene;
  readonly #dice: Dice;
  #serial = 0;

  constructor(scene: Scene, dice: Dice) {
    this.#scene = scene;
    this.#dice = dice;
  }

  async tables(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const table = this.#fresh('t');
      await this.#run(this.#create(table));
      await this.#change(table, 3);
    }
  }

  /** @param lossy also what takes data away: the end of columns, rows and tables. Tables keep their names then. */
  async rage(statements: number, lossy: boolean): Promise<void> {
    for (let i = 0; i < statements; i++) {
      const names = await this.#names();
      const name = this.#dice.pick(names);
      const kind = this.#dice.below(20);
      if (kind < 10) await this.#change(name, 1 + this.#dice.below(3));
      else if (kind < 16) await this.#ddl(alteration(this.#dice, await this.#table(name), (prefix) => this.#fresh(prefix), lossy));
      else await this.#ddl(this.#other(lossy && kind < 18 ? 18 : kind, name, names, lossy));
    }
  }

  /** One random ALTER TABLE. @returns the table and the statement; null: the server refused it. */
  async alter(): Promise<{ readonly table: string; readonly sql: string } | null> {
    const table = this.#dice.pick(await this.#names());
    const sql = alteration(this.#dice, await this.#table(table), (prefix) => this.#fresh(prefix), true);
    this.counts.ddl++;
    return await this.#run(sql) ? { table, sql } : null;
  }

  /** Every table, by name. */
  async state(): Promise<Map<string, TableState>> {
    const states = new Map<string, TableState>();
    for (const name of await this.#names()) {
      const [shown] = await query(this.#scene.db, `SHOW CREATE TABLE ${quoteName(name)}`);
      const { columns } = await this.#table(name);
      const bytes = columns.map((column) => `IFNULL(${exactText(column, this.#scene.source.flavour)}, 'NULL')`);
      const rows = await query(this.#scene.db, `SELECT CONCAT_WS('|', ${bytes.join(', ')}) AS r FROM ${quoteName(name)}`);
      states.set(name, { definition: withoutCounter(String(shown!['Create Table'])), rows: rows.map(({ r }) => String(r)).sort() });
    }
    return states;
  }

  #other(kind: number, name: string, names: readonly string[], lossy: boolean): string {
    const dice = this.#dice;
    const quoted = quoteName(name);
    const other = quoteName(dice.pick(names));
    if (lossy && dice.once(3)) return dice.pick([`DROP TABLE ${quoted}`, `TRUNCATE TABLE ${quoted}`, `DROP TABLE IF EXISTS ${quoted}, nothing`]);
    switch (kind) {
      case 16: return `RENAME TABLE ${quoted} TO ${this.#fresh('t')}`;
      case 17: return quoted === other ? `RENAME TABLE ${quoted} TO ${this.#fresh('t')}` : `RENAME TABLE ${quoted} TO aside, ${other} TO ${quoted}, aside TO ${other}`;
      case 18: return dice.pick([this.#create(this.#fresh('t')), `CREATE TABLE ${this.#fresh('t')} LIKE ${quoted}`, `CREATE TABLE ${this.#fresh('t')} AS SELECT * FROM ${quoted}`]);
      default: return dice.pick([`CREATE TABLE IF NOT EXISTS ${quoted} (other INT)`, 'DROP TABLE IF EXISTS nothing', `CREATE INDEX ${this.#fresh('k')} ON ${quoted} (${quoteName('id')})`]);
    }
  }

  #create(table: string): string {
    const dice = this.#dice;
    const columns = Array.from({ length: 1 + dice.below(4) }, (_, i) => `c${i} ${columnType(dice)}`);
    const key = dice.pick([', PRIMARY KEY (id)', ', PRIMARY KEY (id)', ', UNIQUE KEY (id)', '']);
    return `CREATE TABLE ${table} (id INT NOT NULL${key.includes('PRIMARY') ? ' AUTO_INCREMENT' : ''}, ${columns.join(', ')}${key}) ENGINE=InnoDB`;
  }

  async #change(name: string, times: number): Promise<void> {
    const table = await this.#table(name);
    const together = this.#dice.once(2);
    if (together) await this.#run('START TRANSACTION');
    for (let i = 0; i < times; i++) {
      this.counts.changes++;
      await this.#run(change(this.#dice, table));
    }
    if (together) await this.#run('COMMIT');
  }

  async #ddl(sql: string): Promise<void> {
    this.counts.ddl++;
    const done = await this.#run(sql);
    // Names stay in a turmoil that loses data, and dropped columns of these names hold values.
    const table = /^(?:ALTER TABLE `(\w+)`.* DROP COLUMN `[cr]|DROP TABLE `(\w+)`|TRUNCATE TABLE `(\w+)`)/.exec(sql);
    if (done && table) this.lost.set((table[1] ?? table[2] ?? table[3])!, sql);
  }

  /** Random statements may be refused; what the server did is what counts. */
  async #run(sql: string): Promise<boolean> {
    try {
      await this.#scene.db.query(sql);
      return true;
    } catch {
      this.counts.refused++;
      return false;
    }
  }

  async #names(): Promise<string[]> {
    return (await query(this.#scene.db, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name', [this.#scene.schema])).map(({ name }) => String(name));
  }

  async #table(name: string): Promise<LiveTable> {
    const columns = await query(this.#scene.db, `SELECT column_name AS name, data_type AS data_type, column_type AS type, is_nullable AS nullable, COALESCE(generation_expression, '') <> '' AS \`generated\`, character_set_name AS charset
      FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`, [this.#scene.schema, name]);
    const keys: Row[] = await query(this.#scene.db, "SELECT DISTINCT index_name AS name FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND index_name <> 'PRIMARY' ORDER BY 1", [this.#scene.schema, name]);
    return { name, columns: columns.map(toColumn), keys: keys.map((key) => String(key.name)) };
  }

  #fresh(prefix: string): string {
    return `${prefix}${(++this.#serial).toString()}`;
  }
}
