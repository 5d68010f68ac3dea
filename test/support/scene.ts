import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import type { ExecResult } from '../../deploy/provision/index.ts';
import { INFORMATION_TABLE } from '../../src/core/undo-tables.ts';
import { quoteName, quoteTable } from '../../src/core/identifiers.ts';
import { comparePositions, formatPosition, type Position } from '../../src/core/position.ts';
import { applyWithClient, binlogEnd, connect, query, type Row } from './any-server.ts';
import { archeryRollback } from './archery.ts';
import { Daemon, runCli, serverEnvironment } from './daemon.ts';
import { uniqueSchema, type SharedServer } from './servers.ts';
import { until } from './until.ts';
import { LogStarts } from './xa.ts';

export { applyWithClient, binlogEnd, query, type Row } from './any-server.ts';

export interface SceneOptions {
  /** Capture everything on the source, not only this scene's schema. */
  readonly everything?: boolean;
  /** Use the ledger of another scene. */
  readonly ledger?: string;
  /** Capture the schema of another scene once more. */
  readonly of?: Scene;
  readonly alias?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface LedgerState {
  readonly position: Position;
  readonly next: number;
  readonly cursor: number;
}

/** One test's world: a schema on a source, a ledger on a backup server, and what a daemon between them writes. Gone at its end. */
export class Scene implements AsyncDisposable {
  readonly source: SharedServer;
  readonly backup: SharedServer;
  readonly schema: string;
  readonly ledger: string;
  readonly alias: string;
  /** On the source, with the schema as default; several statements in one query allowed. */
  readonly db: Connection;
  /** On the backup server. */
  readonly log: Connection;
  readonly env: Readonly<Record<string, string>>;

  readonly #owner: boolean;
  readonly #starts = new LogStarts();

  private constructor(source: SharedServer, backup: SharedServer, schema: string, options: SceneOptions, db: Connection, log: Connection) {
    this.source = source;
    this.backup = backup;
    this.schema = options.of?.schema ?? schema;
    this.#owner = options.of === undefined;
    this.ledger = options.ledger ?? `ledger_${schema}`;
    this.alias = options.alias ?? schema;
    this.db = db;
    this.log = log;
    this.env = {
      ...serverEnvironment('SOURCE', source),
      ...serverEnvironment('BACKUP', backup),
      BINLOG_UNDO_SOURCE_ALIAS: this.alias,
      BINLOG_UNDO_LEDGER: this.ledger,
      ...(options.everything === true ? {} : { BINLOG_UNDO_INCLUDE_DATABASE: this.schema }),
      ...options.env,
    };
  }

  static async open(source: SharedServer, backup: SharedServer, options: SceneOptions = {}): Promise<Scene> {
    const schema = uniqueSchema('e2e');
    const db = await connect(source, { multipleStatements: true, supportBigNumbers: true });
    const log = await connect(backup, { supportBigNumbers: true });
    if (!options.of) await db.query(`CREATE DATABASE ${quoteName(schema)} CHARACTER SET utf8mb4`);
    await db.query(`USE ${quoteName(options.of?.schema ?? schema)}`);
    return new Scene(source, backup, schema, options, db, log);
  }

  startDaemon(env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
    return this.#starts.start(this.source, () => Daemon.start({ ...this.env, ...env }));
  }

  /** `binlog-undo ARGS` with this scene's environment. */
  cli(...args: string[]): Promise<ExecResult> {
    return runCli(args, this.env);
  }

  /** What `binlog-undo ARGS --json` prints, once it has ended with status 0; if it has not, what it said instead. */
  async json<T>(...args: string[]): Promise<T> {
    const { status, stdout, stderr } = await this.cli(...args, '--json');
    assert.equal(status, 0, `binlog-undo ${args.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Another session on the source, in this schema. */
  async session(): Promise<Connection> {
    const connection = await connect(this.source, { multipleStatements: true, supportBigNumbers: true });
    await connection.query(`USE ${quoteName(this.schema)}`);
    return connection;
  }

  /** The end of the source's binlog, `file:offset`, once all before it is in the log. */
  async reached(): Promise<string> {
    await this.caughtUp();
    return formatPosition(await this.position());
  }

  /** The end of the source's binlog now. */
  position(): Promise<Position> {
    return binlogEnd(this.db);
  }

  /** Waits until all that the source has committed by now is in the log, and, unless told otherwise, in the backup tables. */
  async caughtUp(options: { readonly projected?: boolean; readonly seconds?: number } = {}): Promise<void> {
    const target = await this.position();
    await until(`the log of ${this.schema} reaches ${formatPosition(target)}`, async () => {
      const state = await this.#state();
      return state && comparePositions(state.position, target) >= 0 && (options.projected === false || state.cursor === state.next);
    }, options.seconds);
  }

  async #state(): Promise<LedgerState | null> {
    const [state] = await this.ledgerRows(
      `SELECT k.file, k.file_offset, k.next_ordinal, COALESCE(c.ordinal, 1) AS cursor_ordinal FROM sources s JOIN checkpoints k ON k.source_id = s.id
       LEFT JOIN cursors c ON c.source_id = s.id WHERE s.alias = ?`, [this.alias]);
    if (!state) return null;
    return {
      position: { file: String(state.file), offset: Number(state.file_offset) }, next: Number(state.next_ordinal), cursor: Number(state.cursor_ordinal),
    };
  }

  /** Rows of the ledger; tables are named without their database. */
  async ledgerRows(sql: string, parameters: readonly (string | number)[] = []): Promise<Row[]> {
    await this.log.query(`USE ${quoteName(this.ledger)}`);
    return query(this.log, sql, parameters);
  }

  /** This source's operations in order, with their transaction's facts. */
  operations(): Promise<Row[]> {
    return this.ledgerRows(
      `SELECT o.ordinal, o.seq, o.opid, o.schema_name, o.table_name, o.type, o.ddl, o.inserted, o.updated, o.deleted, o.state,
         CONVERT(o.statement USING utf8mb4) AS statement, t.thread_id, t.gtid, t.start_file, t.start_offset, t.end_file, t.end_offset
       FROM sources s JOIN operations o ON o.source_id = s.id JOIN transactions t ON t.source_id = o.source_id AND t.ordinal = o.ordinal
       WHERE s.alias = ? ORDER BY o.ordinal, o.seq`, [this.alias]);
  }

  gaps(): Promise<Row[]> {
    return this.ledgerRows('SELECT g.* FROM sources s JOIN gaps g ON g.source_id = s.id WHERE s.alias = ? ORDER BY g.id', [this.alias]);
  }

  /** Blocks of the ledger without a set of keys, and sets without their block: there is none of either, whatever ended when. */
  async unpairedKeySets(): Promise<number> {
    const [found] = await this.ledgerRows(`SELECT
      (SELECT COUNT(*) FROM blocks b LEFT JOIN block_keys k ON k.source_id = b.source_id AND k.block = b.block WHERE k.block IS NULL)
      + (SELECT COUNT(*) FROM block_keys k LEFT JOIN blocks b ON b.source_id = k.source_id AND b.block = k.block WHERE b.block IS NULL) AS unpaired`);
    return Number(found!.unpaired);
  }

  /** The goInception database of this scene's schema. */
  get backupDatabase(): string {
    return `${this.alias}_${this.source.port}_${this.schema}`;
  }

  /** The information rows, as a reader by column position sees them. */
  information(): Promise<Row[]> {
    return query(this.log, `SELECT * FROM ${quoteTable(this.backupDatabase, INFORMATION_TABLE)} ORDER BY start_binlog_file, start_binlog_pos, opid_time`);
  }

  /** Every row of a table's backup table. */
  backupRows(table: string): Promise<Row[]> {
    return query(this.log, `SELECT * FROM ${quoteTable(this.backupDatabase, table)} ORDER BY id`);
  }

  /** The same without the undo of DDL. */
  async undoneRows(table: string): Promise<Row[]> {
    const ddl = new Set((await this.operations()).filter((operation) => Number(operation.ddl) === 1).map(({ opid }) => opid));
    return (await this.backupRows(table)).filter(({ opid_time: opid }) => !ddl.has(opid));
  }

  /** CHECKSUM TABLE and the definition of every table of the schema. */
  async fingerprint(): Promise<Record<string, string>> {
    const tables = await query(this.db, "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'", [this.schema]);
    const found: Record<string, string> = {};
    for (const { name } of tables) {
      const [checksum] = await query(this.db, `CHECKSUM TABLE ${quoteName(String(name))}`);
      found[String(name)] = String(checksum?.Checksum);
    }
    return found;
  }

  /** The undo text of one operation, as Archery shows it. */
  rollback(opid: string): Promise<string> {
    return archeryRollback(this.log, this.backupDatabase, opid);
  }

  /** Undoes operations by what the backup tables hold, newest first, in a session of its own. */
  async undo(operations: readonly Row[]): Promise<void> {
    const session = await this.session();
    for (const { opid, ddl } of operations.toReversed()) if (Number(ddl) === 0) await session.query(await this.rollback(String(opid)));
    await session.end();
  }

  /** Applies a script with the stock client, as an operator does. */
  apply(script: string): Promise<ExecResult> {
    return applyWithClient(this.source, script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#owner) await this.db.query(`DROP DATABASE IF EXISTS ${quoteName(this.schema)}`);
    const claims = await this.ledgerRows('SELECT backup_database FROM claims').catch(() => []);
    for (const claim of claims) await this.log.query(`DROP DATABASE IF EXISTS ${quoteName(String(claim.backup_database))}`);
    await this.log.query(`DROP DATABASE IF EXISTS ${quoteName(this.ledger)}`);
    await this.log.end();
    await this.db.end();
  }
}
