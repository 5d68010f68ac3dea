import assert from 'node:assert/strict';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { INFORMATION_TABLE } from '../../../src/core/undo-tables.ts';
import { quoteName, quoteTable } from '../../../src/core/identifiers.ts';
import { comparePositions, formatPosition, type Position } from '../../../src/core/position.ts';
import { Daemon, serverEnvironment, type Address } from '../../support/daemon.ts';
import { uniqueSchema } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { LogStarts } from '../../support/xa.ts';

export type Row = Record<string, string | number | Buffer | null>;

/** A server by whichever port it can be reached; a proxy stands in for one. */
export type Endpoint = Pick<Address, 'host' | 'port' | 'user' | 'password'>;

/** One connection for one use: nothing here depends on a connection that a fault has ended. */
export async function using<T>(server: Endpoint, work: (connection: Connection) => Promise<T>): Promise<T> {
  const { host, port, user, password } = server;
  const connection = await createConnection({ host, port, user, password, multipleStatements: true, supportBigNumbers: true });
  connection.on('error', () => undefined);
  try {
    return await work(connection);
  } finally {
    connection.destroy();
  }
}

export function ask(server: Endpoint, sql: string, parameters: readonly (string | number)[] = []): Promise<Row[]> {
  return using(server, async (connection) => {
    const [rows] = await connection.query<(Row & RowDataPacket)[]>(sql, [...parameters]);
    return rows;
  });
}

/** The end of a server's binlog now. */
export async function binlogEnd(server: Endpoint): Promise<Position> {
  const [status] = await ask(server, 'SHOW BINARY LOG STATUS').catch(() => ask(server, 'SHOW MASTER STATUS'));
  return { file: String(status?.File), offset: Number(status?.Position) };
}

/** A daemon's world under faults: a schema on a source, a ledger on a backup server, both reached anew for every question. */
export class World implements AsyncDisposable {
  source: Endpoint;
  readonly backup: Endpoint;
  readonly schema = uniqueSchema('fault');
  readonly alias: string = this.schema;
  readonly ledger: string = `ledger_${this.schema}`;
  readonly extra: Record<string, string> = {};
  readonly #starts = new LogStarts();

  constructor(source: Endpoint, backup: Endpoint) {
    this.source = source;
    this.backup = backup;
  }

  static async open(source: Endpoint, backup: Endpoint, tables: string): Promise<World> {
    const world = new World(source, backup);
    await ask(source, `CREATE DATABASE ${quoteName(world.schema)} CHARACTER SET utf8mb4`);
    await world.sql(tables);
    return world;
  }

  /** What undoes DDL depends on when definitions were read, which two logs of one binlog need not have in common: rows are compared. */
  get env(): Record<string, string> {
    return {
      ...serverEnvironment('SOURCE', this.source), ...serverEnvironment('BACKUP', this.backup), BINLOG_UNDO_SOURCE_ALIAS: this.alias,
      BINLOG_UNDO_LEDGER: this.ledger, BINLOG_UNDO_INCLUDE_DATABASE: this.schema, BINLOG_UNDO_PROJECTION_DDL: 'false', ...this.extra,
    };
  }

  /** Runs statements on the source, in the schema, in one session. */
  sql(text: string): Promise<void> {
    return using(this.source, async (connection) => {
      await connection.query(`USE ${quoteName(this.schema)}`);
      await connection.query(text);
    });
  }

  start(env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
    return this.#starts.start(this.source, () => Daemon.start({ ...this.env, ...env }));
  }

  /** Starts a daemon that must end by itself. @returns its status and all that it said */
  async startFails(env: Readonly<Record<string, string>> = {}): Promise<{ status: number | null; said: string }> {
    await using daemon = Daemon.spawn({ ...this.env, ...env });
    const status = await daemon.ended();
    return { status, said: [...daemon.text, ...daemon.lines.map((line) => JSON.stringify(line))].join('\n') };
  }

  ledgerRows(sql: string, parameters: readonly (string | number)[] = []): Promise<Row[]> {
    return using(this.backup, async (connection) => {
      await connection.query(`USE ${quoteName(this.ledger)}`);
      const [rows] = await connection.query<(Row & RowDataPacket)[]>(sql, [...parameters]);
      return rows;
    });
  }

  async checkpoint(alias = this.alias): Promise<{ position: Position; next: number; projected: number; epoch: number; incarnation: number } | null> {
    const [found] = await this.ledgerRows(
      `SELECT k.*, COALESCE(c.ordinal, 1) AS projected FROM sources s JOIN checkpoints k ON k.source_id = s.id LEFT JOIN cursors c ON c.source_id = s.id WHERE s.alias = ?`, [alias]);
    return found ? {
      position: { file: String(found.file), offset: Number(found.file_offset) }, next: Number(found.next_ordinal), projected: Number(found.projected),
      epoch: Number(found.epoch), incarnation: Number(found.incarnation_id),
    } : null;
  }

  /** Waits until all that the source has committed by now is in the log and in the backup tables. */
  async caughtUp(alias = this.alias, seconds = 600): Promise<void> {
    const target = await binlogEnd(this.source);
    const last = { state: '' };
    try {
      await until(`the log of ${alias} reaches ${formatPosition(target)}`, async () => {
        const state = await this.checkpoint(alias);
        last.state = JSON.stringify(state);
        return state && comparePositions(state.position, target) >= 0 && state.projected === state.next;
      }, seconds);
    } catch (error) {
      throw new Error(`the log rests at ${last.state}`, { cause: error });
    }
  }

  operations(alias = this.alias): Promise<Row[]> {
    return this.ledgerRows(
      `SELECT o.ordinal, o.seq, o.opid, o.table_name, o.type, o.inserted, o.updated, o.deleted, o.state, t.gtid, t.incarnation_id, t.start_file, t.start_offset
       FROM sources s JOIN operations o ON o.source_id = s.id JOIN transactions t ON t.source_id = o.source_id AND t.ordinal = o.ordinal
       WHERE s.alias = ? ORDER BY o.ordinal, o.seq`, [alias]);
  }

  gaps(alias = this.alias): Promise<Row[]> {
    return this.ledgerRows('SELECT g.* FROM sources s JOIN gaps g ON g.source_id = s.id WHERE s.alias = ? ORDER BY g.id', [alias]);
  }

  incarnations(): Promise<Row[]> {
    return this.ledgerRows('SELECT i.* FROM sources s JOIN incarnations i ON i.source_id = s.id WHERE s.alias = ? ORDER BY i.id', [this.alias]);
  }

  /** The goInception tables of an alias: information rows by opid, and of each table the rollback statements in their order. */
  async projected(alias = this.alias): Promise<{ information: Row[]; statements: Record<string, string[]> }> {
    const [claim] = await this.ledgerRows('SELECT c.backup_database AS name FROM claims c JOIN sources s ON s.id = c.source_id WHERE s.alias = ?', [alias]);
    assert.ok(claim, `nothing was projected for ${alias}`);
    const database = String(claim.name);
    const information = await ask(this.backup, `SELECT opid_time, dbname, tablename, type FROM ${quoteTable(database, INFORMATION_TABLE)} ORDER BY opid_time`);
    const tables = await ask(this.backup, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_name <> ?', [database, INFORMATION_TABLE]);
    const statements: Record<string, string[]> = {};
    for (const { name } of tables) {
      const rows = await ask(this.backup, `SELECT opid_time, rollback_statement FROM ${quoteTable(database, String(name))} ORDER BY id`);
      statements[String(name)] = rows.map((row) => `${String(row.opid_time)} ${String(row.rollback_statement)}`);
    }
    return { information, statements };
  }

  /** Captures the same binlog once more, undisturbed, under another alias; both logs must be equal, and nothing in one twice. */
  async equalsUndisturbed(start: Position): Promise<void> {
    const alias = `${this.alias}_b`;
    await using daemon = await this.start({
      ...serverEnvironment('SOURCE', this.source), ...serverEnvironment('BACKUP', this.backup),
      BINLOG_UNDO_SOURCE_ALIAS: alias, BINLOG_UNDO_START_POSITION: formatPosition(start),
    });
    await this.caughtUp(alias);
    await daemon.stop();
    const ours = await this.operations();
    assert.ok(ours.length > 0, 'nothing was captured');
    assert.equal(new Set(ours.map(({ opid }) => opid)).size, ours.length, 'an operation is there twice');
    const plain = (rows: Row[]): Row[] => rows.map((row) => ({ ...row, incarnation_id: null }));
    assert.deepEqual(plain(ours), plain(await this.operations(alias)));
    const projected = await this.projected();
    assert.equal(new Set(projected.information.map(({ opid_time }) => opid_time)).size, projected.information.length);
    assert.deepEqual(projected, await this.projected(alias));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const claims = await this.ledgerRows('SELECT backup_database FROM claims').catch(() => []);
    for (const claim of claims) await ask(this.backup, `DROP DATABASE IF EXISTS ${quoteName(String(claim.backup_database))}`);
    await ask(this.backup, `DROP DATABASE IF EXISTS ${quoteName(this.ledger)}`).catch(() => undefined);
    await ask(this.source, `DROP DATABASE IF EXISTS ${quoteName(this.schema)}`).catch(() => undefined);
  }
}
