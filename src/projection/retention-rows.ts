import type { Connection } from 'mysql2/promise';
import { quoteTable } from '../core/identifiers.ts';
import { row, rows, run, serverErrorNumber } from '../core/mysql.ts';
import { INFORMATION_TABLE, SCHEMA_TABLE } from '../core/undo-tables.ts';
import type { Ledger } from '../store/ledger.ts';

/** An operation whose rows are to leave goInception's tables. */
export interface DoomedOperation {
  readonly ordinal: number;
  readonly seq: number;
  readonly opid: string;
  readonly schema: string;
  readonly table: string;
}

export interface RemoverOptions {
  readonly connection: Connection;
  /** What rows that lie close together are removed on at present, each of these at the same time. */
  readonly lanes: () => readonly Connection[];
  /** Called after each deletion with its number of rows. */
  readonly pace: (deleted: number) => Promise<void>;
}

/** Below eq_range_index_dive_limit (200): above it the servers guess from averages, and were seen to scan whole tables (5 k rows/s). */
const OPIDS_AT_ONCE = 150;
/** Rows of one DELETE: an operation may have millions, and a long transaction would hold up others. */
const ROWS_AT_ONCE = 10_000;
/** Small operations are removed together: each DELETE is a commit. */
const ROWS_WORTH_IT = 5000;
const OPIDS_WORTH_IT = 2000;
/** Ids in a stretch for each row to be removed in it, at most: others may have written in between. */
const SPARSE = 4;
const NO_SUCH_TABLE = 1146;
const NO_SUCH_DATABASE = 1049;

/** Removes operations from goInception's tables: only rows under our own operation ids, whoever else writes there. */
export class BackupRowRemover {
  readonly #options: RemoverOptions;
  readonly #connection: Connection;
  readonly #databases: ReadonlyMap<string, string>;

  private constructor(options: RemoverOptions, databases: ReadonlyMap<string, string>) {
    this.#options = options;
    this.#connection = options.connection;
    this.#databases = databases;
  }

  static async open(options: RemoverOptions, ledger: Ledger, sourceId: number): Promise<BackupRowRemover> {
    const claims = await rows<{ schema_name: string; backup_database: string }>(options.connection,
      `SELECT schema_name, backup_database FROM ${ledger.table('claims')} WHERE source_id = ?`, [sourceId]);
    return new BackupRowRemover(options, new Map(claims.map((claim) => [claim.schema_name, claim.backup_database])));
  }

  get databases(): Iterable<string> {
    return this.#databases.values();
  }

  /** Information rows go first: a reader never sees one whose rollback statements are gone. @returns rows removed. */
  async remove(operations: readonly DoomedOperation[]): Promise<number> {
    const byTable = new Map<string, { database: string; table: string; opids: string[] }>();
    for (const { schema, table: named, opid } of operations) {
      const database = this.#databases.get(schema);
      if (database === undefined) continue;
      // What concerns a database as a whole has no table of its own.
      const table = named === '' ? SCHEMA_TABLE : named;
      const key = `${database}\0${table}`;
      const group = byTable.get(key);
      if (group) group.opids.push(opid);
      else byTable.set(key, { database, table, opids: [opid] });
    }
    let removed = 0;
    for (const { database, table, opids } of byTable.values()) {
      for (const some of chunks(opids, OPIDS_AT_ONCE)) removed += await this.#delete(this.#connection, `DELETE FROM ${quoteTable(database, INFORMATION_TABLE)} WHERE opid_time IN (${marks(some)})`, some);
      for await (const stretch of this.#stretches(quoteTable(database, table), opids)) removed += await this.#removeStretch(quoteTable(database, table), stretch);
    }
    return removed;
  }

  /**
   * The rows of one log lie close together and in order. So they are removed along the ids, which costs the server a half to a fifth
   * of finding each by its operation (measured), but still only where the operation is one of these.
   */
  async *#stretches(table: string, opids: readonly string[]): AsyncGenerator<Stretch> {
    let open: Stretch = { opids: [], first: Infinity, last: 0, rows: 0 };
    for (const some of chunks(opids, OPIDS_AT_ONCE)) {
      const found = await this.#tolerant(() => row<{ first: string | null; last: string | null; found: string }>(this.#connection,
        `SELECT MIN(id) AS first, MAX(id) AS last, COUNT(*) AS found FROM ${table} WHERE opid_time IN (${marks(some)})`, some), null);
      if (!found || found.first === null) continue;
      open = { opids: [...open.opids, ...some], first: Math.min(open.first, Number(found.first)), last: Math.max(open.last, Number(found.last)), rows: open.rows + Number(found.found) };
      if (open.rows < ROWS_WORTH_IT && open.opids.length < OPIDS_WORTH_IT) continue;
      yield open;
      open = { opids: [], first: Infinity, last: 0, rows: 0 };
    }
    if (open.rows > 0) yield open;
  }

  async #removeStretch(table: string, { opids, first, last, rows: count }: Stretch): Promise<number> {
    let removed = 0;
    if (last - first + 1 <= SPARSE * count) {
      const ids = batches(first, last);
      const lane = async (connection: Connection): Promise<void> => {
        for (const [from, to] of ids) {
          // The form for several tables is the one that takes an index hint; an alias would ask for a default database.
          removed += await this.#delete(connection, `DELETE ${table} FROM ${table} FORCE INDEX (PRIMARY) WHERE id BETWEEN ? AND ? AND opid_time IN (${marks(opids)})`, [from, to, ...opids]);
        }
      };
      await Promise.all(this.#options.lanes().map(lane));
      return removed;
    }
    for (const some of chunks(opids, OPIDS_AT_ONCE)) {
      for (let deleted = ROWS_AT_ONCE; deleted === ROWS_AT_ONCE; removed += deleted) {
        deleted = await this.#delete(this.#connection, `DELETE FROM ${table} WHERE opid_time IN (${marks(some)}) LIMIT ${ROWS_AT_ONCE}`, some);
      }
    }
    return removed;
  }

  async #delete(connection: Connection, sql: string, parameters: readonly (string | number)[]): Promise<number> {
    const affectedRows = await this.#tolerant(async () => (await run(connection, sql, parameters)).affectedRows, 0);
    await this.#options.pace(affectedRows);
    return affectedRows;
  }

  /** The projection is off, or somebody has dropped the backup table: there is nothing to remove. */
  async #tolerant<T>(ask: () => Promise<T>, missing: T): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const number = serverErrorNumber(error);
      if (number === NO_SUCH_TABLE || number === NO_SUCH_DATABASE) return missing;
      throw error;
    }
  }
}

/** Ids from `first` to `last`, a DELETE's worth at a time, for whoever takes the next. */
function* batches(first: number, last: number): Generator<readonly [number, number]> {
  for (let at = first; at <= last; at += ROWS_AT_ONCE) yield [at, Math.min(last, at + ROWS_AT_ONCE - 1)];
}

/** Operations, and the ids between which their rows lie in one backup table. */
interface Stretch {
  readonly opids: readonly string[];
  readonly first: number;
  readonly last: number;
  readonly rows: number;
}

const marks = (items: readonly unknown[]): string => items.map(() => '?').join(', ');

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
