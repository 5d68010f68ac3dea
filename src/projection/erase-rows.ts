import type { Connection } from 'mysql2/promise';
import { quoteTable } from '../core/identifiers.ts';
import { row, rows, run, scalar, serverErrorNumber } from '../core/mysql.ts';
import { INFORMATION_TABLE } from '../core/undo-tables.ts';
import type { Ledger } from '../store/ledger.ts';

/** What stands for SQL that was erased: a comment, since readers show this column as SQL. */
const ERASED = '/* erased */';
const NO_SUCH_TABLE = 1146;
const NO_SUCH_DATABASE = 1049;

/** An operation whose rollback statements are partly to go. */
export interface ThinnedOperation {
  readonly opid: string;
  readonly schema: string;
  readonly table: string;
  /** Rows it had until now, and those of them that go, counted from its last row backwards: the order of ascending ids. */
  readonly total: number;
  readonly fromEnd: readonly number[];
}

/** Erases in goInception's tables: only under our own operation ids. */
export class BackupRowEraser {
  readonly #connection: Connection;
  readonly #databases: ReadonlyMap<string, string>;

  private constructor(connection: Connection, databases: ReadonlyMap<string, string>) {
    this.#connection = connection;
    this.#databases = databases;
  }

  static async open(connection: Connection, ledger: Ledger, sourceId: number): Promise<BackupRowEraser> {
    const claims = await rows<{ schema_name: string; backup_database: string }>(connection, `SELECT schema_name, backup_database FROM ${ledger.table('claims')} WHERE source_id = ?`, [sourceId]);
    return new BackupRowEraser(connection, new Map(claims.map((claim) => [claim.schema_name, claim.backup_database])));
  }

  /** @returns rows removed. */
  async thin({ opid, schema, table, total, fromEnd }: ThinnedOperation): Promise<number> {
    const database = this.#databases.get(schema);
    if (database === undefined) return 0;
    const backup = quoteTable(database, table);
    return this.#tolerant(async () => {
      const count = Number(await scalar<string>(this.#connection, `SELECT COUNT(*) FROM ${backup} WHERE opid_time = ?`, [opid]));
      // Another number than there were rows: which statement is whose cannot be told, and none may stay.
      const all = count !== total || fromEnd.length === total;
      if (all) {
        await run(this.#connection, `DELETE FROM ${quoteTable(database, INFORMATION_TABLE)} WHERE opid_time = ?`, [opid]);
        return (await run(this.#connection, `DELETE FROM ${backup} WHERE opid_time = ?`, [opid])).affectedRows;
      }
      const ids: string[] = [];
      for (const place of fromEnd) ids.push((await scalar<string>(this.#connection, `SELECT id FROM ${backup} WHERE opid_time = ? ORDER BY id LIMIT 1 OFFSET ${place}`, [opid]))!);
      let removed = 0;
      for (const id of ids) removed += (await run(this.#connection, `DELETE FROM ${backup} WHERE id = ? AND opid_time = ?`, [id, opid])).affectedRows;
      return removed;
    }, 0);
  }

  async forgetText(operations: readonly { readonly opid: string; readonly schema: string }[]): Promise<void> {
    for (const { opid, schema } of operations) {
      const database = this.#databases.get(schema);
      if (database === undefined) continue;
      await this.#tolerant(() => this.#replaceText(quoteTable(database, INFORMATION_TABLE), opid), undefined);
    }
  }

  /** Written anew: the account that writes the log may not UPDATE these tables. */
  async #replaceText(information: string, opid: string): Promise<void> {
    const before = await row<Record<string, string | number>>(this.#connection,
      `SELECT opid_time, start_binlog_file, start_binlog_pos, end_binlog_file, end_binlog_pos, sql_statement, host, dbname, tablename, port, time, type FROM ${information} WHERE opid_time = ?`, [opid]);
    if (!before) return;
    await run(this.#connection, `DELETE FROM ${information} WHERE opid_time = ?`, [opid]);
    const values = Object.values({ ...before, sql_statement: ERASED });
    await run(this.#connection, `INSERT INTO ${information} VALUES (${values.map(() => '?').join(', ')})`, values);
  }

  /** The projection is off, or somebody has dropped the backup table: there is nothing to erase. */
  async #tolerant<T>(work: () => Promise<T>, missing: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if ([NO_SUCH_TABLE, NO_SUCH_DATABASE].includes(serverErrorNumber(error) ?? 0)) return missing;
      throw error;
    }
  }
}
