import type { Connection } from 'mysql2/promise';
import { quoteText } from '../core/identifiers.ts';
import { rows, serverErrorNumber } from '../core/mysql.ts';
import type { ReplayableDdl } from './ddl-event.ts';

/** Settings of the source that decide what DDL makes and that no event tells, by name. */
export type SourceSession = ReadonlyMap<string, string>;

/** Those that every session of a server shares: they must be the same on both. */
const SHARED = ['lower_case_table_names', 'mysql56_temporal_format'];
/** Those that a session can have for itself; the source's global value is taken. */
const OWN = ['default_storage_engine', 'old_mode', 'explicit_defaults_for_timestamp'];

export async function readSourceSession(connection: Connection): Promise<SourceSession> {
  return variables(connection, 'GLOBAL', [...SHARED, ...OWN]);
}

async function variables(connection: Connection, scope: 'GLOBAL' | 'SESSION', names: readonly string[]): Promise<Map<string, string>> {
  const found = await rows<{ Variable_name: string; Value: string }>(
    connection, `SHOW ${scope} VARIABLES WHERE Variable_name IN (${names.map(() => '?').join(', ')})`, names);
  return new Map(found.map(({ Variable_name: name, Value: value }) => [name.toLowerCase(), value]));
}

/** Dates of all kinds as column defaults, no engine instead of another, no files elsewhere. */
const PLAIN = "'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'";
const NO_ENGINE_SUBSTITUTION = 0x40000000;

/** The session of the scratch server: as the server would print it, or as that of a statement was. */
export class ScratchSession {
  readonly #connection: Connection;
  readonly #flavour: 'mysql' | 'mariadb';
  readonly #source: SourceSession;
  readonly #defaults: ReadonlyMap<string, string>;
  readonly #charsets: ReadonlyMap<number, string>;
  readonly #collations: ReadonlyMap<number, string>;
  #explicitTimestamps: boolean;

  private constructor(
    connection: Connection, flavour: 'mysql' | 'mariadb', source: SourceSession, defaults: ReadonlyMap<string, string>,
    collations: readonly { id: number; collation: string; charset: string }[],
  ) {
    this.#connection = connection;
    this.#flavour = flavour;
    this.#source = source;
    this.#defaults = defaults;
    this.#charsets = new Map(collations.map(({ id, charset }) => [id, charset]));
    this.#collations = new Map(collations.map(({ id, collation }) => [id, collation]));
    this.#explicitTimestamps = isOn(defaults.get('explicit_defaults_for_timestamp'));
  }

  /** @returns why not, where tables of the source would be others here. */
  static async open(connection: Connection, flavour: 'mysql' | 'mariadb', source: SourceSession): Promise<ScratchSession | string> {
    const here = await variables(connection, 'GLOBAL', SHARED);
    for (const name of SHARED) {
      const theirs = source.get(name);
      if (theirs !== here.get(name)) return `${name} is ${theirs ?? 'unknown'} on the source and ${here.get(name) ?? 'unknown'} here`;
    }
    await connection.query('SET SESSION foreign_key_checks = 0, lock_wait_timeout = 20');
    // Without the right, the replicas of this server see the scratch schemas come and go.
    await permitted(connection, 'SET SESSION sql_log_bin = 0');
    for (const setting of ['sql_require_primary_key = 0', 'sql_generate_invisible_primary_key = 0', "system_versioning_alter_history = 'KEEP'"]) {
      await permitted(connection, `SET SESSION ${setting}`);
    }
    const defaults = await variables(connection, 'SESSION', [
      'collation_connection', 'collation_server', 'character_set_collations', 'default_collation_for_utf8mb4', 'explicit_defaults_for_timestamp', 'old_mode', 'default_storage_engine',
    ]);
    return new ScratchSession(connection, flavour, source, defaults, await collations(connection));
  }

  /** For copies of definitions, whose text names every collation and engine, and for reading them as the server prints them. */
  async plain(): Promise<void> {
    const settings = [`sql_mode = ${PLAIN}`, "time_zone = '+00:00'"];
    for (const name of ['collation_connection', 'collation_server']) settings.push(`${name} = ${this.#defaults.get(name)!}`);
    if (this.#defaults.has('character_set_collations')) settings.push("character_set_collations = ''");
    await this.#set([...settings, ...this.#timestamps(true)]);
  }

  /** As the session of a statement was. @returns why that cannot be had. */
  async as({ sql, session }: ReplayableDdl): Promise<string | null> {
    const { clientCharset, connectionCollation, serverCollation, timeZone } = session;
    const client = clientCharset === null ? undefined : this.#charsets.get(clientCharset);
    // Bytes below 0x80 mean the same in every character set that a client can have.
    if (!/^[\0-\x7f]*$/.test(sql) && !client?.startsWith('utf8')) return `its text is in character set ${client ?? String(clientCharset)}`;
    const settings = [`sql_mode = ${(BigInt(session.sqlMode) | BigInt(NO_ENGINE_SUBSTITUTION)).toString()}`];
    for (const [name, id] of [['collation_connection', connectionCollation], ['collation_server', serverCollation]] as const) {
      if (id === null) continue;
      if (!this.#collations.has(id)) return `collation ${id} is not known here`;
      settings.push(`${name} = ${id}`);
    }
    if (timeZone !== null) settings.push(`time_zone = ${quoteText(timeZone)}`);
    const engine = this.#source.get('default_storage_engine');
    if (engine !== undefined) settings.push(`default_storage_engine = ${quoteText(engine)}`);
    const particular = this.#flavour === 'mysql' ? this.#mysql(session) : this.#mariadb(session);
    if (typeof particular === 'string') return particular;
    try {
      await this.#set([...settings, ...particular]);
      return null;
    } catch (error) {
      if (serverErrorNumber(error) === null) throw error;
      return error instanceof Error ? error.message : String(error);
    }
  }

  #mysql(session: ReplayableDdl['session']): string[] | string {
    const settings: string[] = [];
    const utf8mb4 = session.defaultUtf8mb4Collation;
    // Setting this needs a right: only where it differs.
    if (utf8mb4 !== null && this.#collations.get(utf8mb4) !== this.#defaults.get('default_collation_for_utf8mb4')) settings.push(`default_collation_for_utf8mb4 = ${utf8mb4}`);
    return [...settings, ...this.#timestamps(session.explicitDefaultsForTimestamp ?? true)];
  }

  #mariadb(session: ReplayableDdl['session']): string[] | string {
    const pairs: string[] = [];
    for (const [standard, used] of session.characterSetCollations ?? []) {
      const charset = this.#charsets.get(standard);
      const collation = this.#collations.get(used);
      if (charset === undefined || collation === undefined) return `collation ${used} is not known here`;
      pairs.push(`${charset}=${collation}`);
    }
    const settings: string[] = [];
    if (this.#defaults.has('character_set_collations')) settings.push(`character_set_collations = ${quoteText(pairs.join(','))}`);
    else if (pairs.length > 0) return 'this server has no character_set_collations';
    const oldMode = this.#source.get('old_mode');
    if (oldMode !== undefined && this.#defaults.has('old_mode')) settings.push(`old_mode = ${quoteText(oldMode)}`);
    return [...settings, ...this.#timestamps(isOn(this.#source.get('explicit_defaults_for_timestamp') ?? 'ON'))];
  }

  /** Setting this needs a right on MySQL: only where it differs. */
  #timestamps(explicit: boolean): string[] {
    if (explicit === this.#explicitTimestamps) return [];
    this.#explicitTimestamps = explicit;
    return [`explicit_defaults_for_timestamp = ${explicit ? 1 : 0}`];
  }

  async #set(settings: readonly string[]): Promise<void> {
    await this.#connection.query(`SET SESSION ${settings.join(', ')}`);
  }
}

const isOn = (value: string | undefined): boolean => value !== undefined && /^(on|1)$/i.test(value);

/** Leaves a setting as it is where this server does not have it or this account may not. */
async function permitted(connection: Connection, sql: string): Promise<void> {
  try {
    await connection.query(sql);
  } catch (error) {
    if (serverErrorNumber(error) === null) throw error;
  }
}

async function collations(connection: Connection): Promise<{ id: number; collation: string; charset: string }[]> {
  type Row = { id: string | number | null; collation: string; charset: string };
  const select = (name: string, from: string): Promise<Row[]> =>
    rows<Row>(connection, `SELECT id AS id, ${name} AS collation, character_set_name AS charset FROM information_schema.${from} WHERE id IS NOT NULL`);
  // MariaDB's collations of many character sets have their ids here only, and MySQL knows no such columns.
  const found = await select('full_collation_name', 'collation_character_set_applicability').catch((error: unknown) => {
    if (serverErrorNumber(error) === null) throw error;
    return select('collation_name', 'collations');
  });
  return found.map(({ id, collation, charset }) => ({ id: Number(id), collation, charset }));
}
