import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { quoteName, quoteTable } from '../core/identifiers.ts';
import { scalar, serverErrorNumber } from '../core/mysql.ts';
import type { DatabaseOptions } from '../binlog/sql/database-options.ts';
import { renameSchemas, requalify } from '../binlog/sql/requalify.ts';
import type { ReplayableDdl } from './ddl-event.ts';
import type { DdlServer, ReplayOutcome, ReplayTask } from './ddl-server.ts';
import type { TableDefinition } from './definition.ts';
import { createText, droppedDefaults, inSourceWords } from './made-again.ts';
import { readUnlocked, showCreateTable } from './read-unlocked.ts';
import { ScratchSession, type SourceSession } from './scratch-session.ts';

export interface ScratchOptions {
  /** Owned by the replay. */
  readonly connection: Connection;
  readonly flavour: 'mysql' | 'mariadb';
  /** What the names of the scratch schemas begin with; nobody else uses such names. */
  readonly prefix: string;
  readonly source: SourceSession;
}

/** Longer than any DDL on empty tables takes. */
const STATEMENT_MS = 60_000;

/**
 * Runs DDL of the source again on empty copies of its tables, in schemas of our own on a server of the same flavour, and
 * reads what it made. Every name is written anew (`requalify`), so that nothing else of that server is touched.
 */
export class ScratchServer implements DdlServer {
  readonly #options: ScratchOptions;
  readonly #session: ScratchSession;
  readonly #collation: string;
  /** Empty scratch schemas, by name, with their collation: making and dropping them costs more than most DDL. */
  readonly #kept = new Map<string, string>();

  private constructor(options: ScratchOptions, session: ScratchSession, collation: string) {
    this.#options = options;
    this.#session = session;
    this.#collation = collation;
  }

  /** @returns why not, where this server or account cannot be used. */
  static async open(options: ScratchOptions): Promise<ScratchServer | string> {
    const { connection, prefix } = options;
    if (prefix.length > 60) return `names of ${prefix.length + 2} characters and more would be needed`;
    const session = await ScratchSession.open(connection, options.flavour, options.source);
    if (typeof session === 'string') return session;
    const collation = await scalar<string>(connection, 'SELECT @@collation_server') ?? '';
    const server = new ScratchServer(options, session, collation);
    try {
      // What a daemon that was killed left behind goes too.
      for (let i = 1; i <= 2; i++) await server.#drop(`${prefix}${i}`);
      await server.#create(`${prefix}1`, collation);
      await connection.query(`CREATE TABLE ${quoteName(`${prefix}1`)}.t (id INT PRIMARY KEY)`);
      await connection.query(`ALTER TABLE ${quoteName(`${prefix}1`)}.t ADD COLUMN v INT, ADD INDEX (v)`);
      await server.#drop(`${prefix}1`);
    } catch (error) {
      if (serverErrorNumber(error) === null) throw error;
      return error instanceof Error ? error.message : String(error);
    }
    return server;
  }

  get flavour(): 'mysql' | 'mariadb' {
    return this.#options.flavour;
  }

  /** @throws when the connection is lost; what the server refuses is an outcome. */
  async replay(task: ReplayTask): Promise<ReplayOutcome> {
    const { connection, flavour, prefix } = this.#options;
    const homes = new Map<string, string>();
    const home = (schema: string): string => {
      let name = homes.get(schema);
      if (name === undefined) homes.set(schema, name = `${prefix}${homes.size + 1}`);
      return name;
    };
    const { ddl } = task;
    const copies: string[] = [];
    for (const base of task.bases) {
      const copy = requalify(createText(base.sql, flavour), { flavour, sqlMode: 0, schema: base.schema }, home);
      if ('refused' in copy) return { failed: `its definition before cannot be made again: ${copy.refused}` };
      copies.push(copy.text);
    }
    const statement = requalify(ddl.sql, { flavour, sqlMode: ddl.session.sqlMode, schema: ddl.schema }, home);
    if ('refused' in statement) return { failed: statement.refused };
    for (const { schema } of task.left) home(schema);
    const made = [...homes.values()];
    let clean = false;
    const collationOf = new Map([...task.defaults].map(([schema, collation]) => [homes.get(schema), collation]));
    try {
      for (const name of made) await this.#provide(name, collationOf.get(name) ?? this.#collation);
      await this.#session.plain();
      for (const text of copies) await this.#run(text);
      const [subject] = task.bases;
      const copy = subject ? await this.#asTheyWere(task.bases, home) : null;
      const refused = await this.#session.as(ddl);
      if (refused !== null) return { failed: refused };
      await connection.query(`USE ${quoteName(homes.get(ddl.schema) ?? made[0]!)}`);
      await this.#run(statement.text);
      await this.#session.plain();
      const back = new Map([...homes].map(([schema, name]) => [name, schema]));
      const definitions: (TableDefinition | null)[] = [];
      for (const { schema, table } of task.left) {
        const found = await readUnlocked(connection, homes.get(schema)!, table);
        // Of several, which was made from which is not told here.
        const worded = (sql: string): string => (subject && copy !== null && task.left.length === 1 ? inSourceWords(subject.sql, copy, sql) : sql);
        definitions.push(found && { ...found, schema, sql: renameSchemas(worded(found.sql), flavour, back) });
      }
      await this.#empty(task, home);
      clean = true;
      return { definitions };
    } catch (error) {
      if (serverErrorNumber(error) === null) throw error;
      return { failed: error instanceof Error ? error.message : String(error) };
    } finally {
      if (!clean) await this.#clear(made);
    }
  }

  async rest(): Promise<void> {
    await this.#clear([...this.#kept.keys()]);
  }

  async defaultCollation(ddl: ReplayableDdl, { characterSet, collation }: DatabaseOptions): Promise<string | null> {
    const refused = await this.#session.as(ddl);
    const name = `${this.#options.prefix}1`;
    try {
      await this.#drop(name);
      if (refused !== null) return null;
      const options = `${characterSet === null ? '' : ` CHARACTER SET ${characterSet}`}${collation === null ? '' : ` COLLATE ${collation}`}`;
      await this.#options.connection.query(`CREATE DATABASE ${quoteName(name)}${options}`);
      return await scalar<string>(this.#options.connection, 'SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = ?', [name]);
    } catch (error) {
      if (serverErrorNumber(error) === null) throw error;
      return null;
    } finally {
      await this.#clear([name]);
    }
  }

  async #clear(names: readonly string[]): Promise<void> {
    await this.#session.plain();
    for (const name of names) await this.#drop(name);
  }

  async #run(sql: string): Promise<void> {
    // Not the driver's own timer: with a connection that is dropped meanwhile it stays, and keeps the process for its whole time.
    const done = new AbortController();
    const late = sleep(STATEMENT_MS, undefined, { ref: false, signal: done.signal }).then(() => { throw new Error(`a statement on empty tables took longer than ${STATEMENT_MS / 1000} seconds`); });
    try {
      await Promise.race([this.#options.connection.query(sql), late]);
    } finally {
      done.abort();
    }
  }

  /** An empty schema, that of the statement before where it fits. */
  async #provide(name: string, collation: string): Promise<void> {
    if (this.#kept.get(name) === collation) return;
    await this.#drop(name);
    await this.#create(name, collation);
    this.#kept.set(name, collation);
  }

  /** Brings copies to what no CREATE TABLE says. @returns what the server prints of the first. */
  async #asTheyWere(bases: ReplayTask['bases'], home: (schema: string) => string): Promise<string | null> {
    const { connection, flavour } = this.#options;
    let first: string | null = null;
    for (const [i, { schema, table, sql }] of bases.entries()) {
      if (i > 0 && flavour !== 'mysql') break;
      let shown = await showCreateTable(connection, home(schema), table);
      const dropped = flavour === 'mysql' && shown !== null ? droppedDefaults(sql, shown) : [];
      if (dropped.length > 0) {
        await this.#run(`ALTER TABLE ${quoteTable(home(schema), table)} ${dropped.map((column) => `ALTER COLUMN ${quoteName(column)} DROP DEFAULT`).join(', ')}`);
        shown = await showCreateTable(connection, home(schema), table);
      }
      if (i === 0) first = shown;
    }
    return first;
  }

  /** Leaves the schemas as they were made. All that a statement may leave is named in it. */
  async #empty({ bases, left }: ReplayTask, home: (schema: string) => string): Promise<void> {
    const names = new Set([...bases, ...left].map(({ schema, table }) => quoteTable(home(schema), table)));
    if (names.size > 0) await this.#options.connection.query(`DROP TABLE IF EXISTS ${[...names].join(', ')}`);
  }

  async #create(name: string, collation: string): Promise<void> {
    await this.#options.connection.query(`CREATE DATABASE ${quoteName(name)} COLLATE ${collation}`);
  }

  async #drop(name: string): Promise<void> {
    this.#kept.delete(name);
    await this.#options.connection.query(`DROP DATABASE IF EXISTS ${quoteName(name)}`);
  }
}
