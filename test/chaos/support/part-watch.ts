import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { INFORMATION_TABLE } from '../../../src/core/undo-tables.ts';
import { quoteTable } from '../../../src/core/identifiers.ts';
import { query, type Row, type Scene } from '../../support/scene.ts';
import { connect } from '../../support/servers.ts';

/**
 * Looks again and again, while a large transaction is captured, at what readers of the log and of goInception's tables see of it:
 * nothing, or all of it.
 */
export class PartWatch {
  readonly #scene: Scene;
  readonly #table: string;
  readonly #rows: number;
  #over = false;
  #done: Promise<void> | null = null;
  /** How often rows of it lay on the backup server that no reader could see yet. */
  readonly unseen = { log: 0, backup: 0 };

  constructor(scene: Scene, table: string, rows: number) {
    this.#scene = scene;
    this.#table = table;
    this.#rows = rows;
  }

  start(): void {
    this.#done = this.#look();
    this.#done.catch(() => undefined);
  }

  /** @throws AssertionError when a part of it could be seen at any time. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#done;
  }

  async #look(): Promise<void> {
    const { backup, ledger, backupDatabase } = this.#scene;
    const connection = await connect(backup, { supportBigNumbers: true });
    const name = (table: string): string => quoteTable(ledger, table);
    const ask = async (sql: string): Promise<Row | undefined> => (await query(connection, sql, [this.#table]).catch(() => []))[0];
    try {
      while (!this.#over) {
        // One statement, so that both numbers are of one moment.
        const log = await ask(`SELECT (SELECT COUNT(*) FROM ${name('blocks')}) AS blocks, (SELECT SUM(o.inserted) FROM ${name('transactions')} t
          JOIN ${name('operations')} o ON o.source_id = t.source_id AND o.ordinal = t.ordinal WHERE o.table_name = ?) AS inserted`);
        if (log && log.inserted !== null) assert.equal(Number(log.inserted), this.#rows, 'rows of the transaction in the log');
        else if (Number(log?.blocks ?? 0) > 0) this.unseen.log++;
        const backupRows = await ask(`SELECT opid_time FROM ${quoteTable(backupDatabase, this.#table)} LIMIT 1`);
        const shown = await ask(`SELECT opid_time FROM ${quoteTable(backupDatabase, INFORMATION_TABLE)} WHERE tablename = ?`);
        if (shown) {
          const [complete] = await query(connection, `SELECT COUNT(*) AS found FROM ${quoteTable(backupDatabase, this.#table)} WHERE opid_time = ?`, [String(shown.opid_time)]);
          assert.equal(Number(complete?.found), this.#rows, 'rollback statements of an operation that can be found');
          return;
        }
        if (backupRows) this.unseen.backup++;
        await pause(30);
      }
    } finally {
      connection.destroy();
    }
  }
}
