import type { Connection } from 'mysql2/promise';
import { rows, type UndoLog } from './undo-log.ts';

const STEP = 100_000;

/** A ledger that is made long by SQL: transactions of one operation without rows, after the real ones. */
export class LongLog {
  readonly #log: Connection;
  readonly #ledger: string;
  #operations = 0;

  constructor(log: Connection, { ledger }: UndoLog) {
    this.#log = log;
    this.#ledger = ledger;
  }

  /** Adds operations until there are so many. */
  async growTo(operations: number): Promise<void> {
    await this.#log.query(`USE \`${this.#ledger}\``);
    await this.#numbers();
    while (this.#operations < operations) {
      const count = Math.min(STEP, operations - this.#operations);
      await this.#add(count);
      this.#operations += count;
    }
    await this.#log.query('ANALYZE TABLE transactions, operations');
  }

  async #numbers(): Promise<void> {
    await this.#log.query('CREATE TABLE IF NOT EXISTS numbers (n INT PRIMARY KEY)');
    await this.#log.query(`INSERT IGNORE INTO numbers VALUES ${Array.from({ length: 100 }, (_, i) => `(${i})`).join(',')}`);
    for (let count = 100; count < STEP; count *= 10) {
      for (let times = 1; times < 10; times++) await this.#log.query(`INSERT IGNORE INTO numbers SELECT n + ${count * times} FROM numbers WHERE n < ${count}`);
    }
  }

  /** Each takes 400 bytes of the binlog and a millisecond. */
  async #add(count: number): Promise<void> {
    const [edge] = await rows(this.#log, 'SELECT * FROM transactions WHERE source_id = 1 ORDER BY ordinal DESC LIMIT 1');
    const file = `'${String(edge!.start_file)}', ${String(edge!.start_number)}`;
    const bytes = `${Number(edge!.end_offset)} + n * 400`;
    const session = 'n MOD 500 + 1000';
    await this.#log.query(`INSERT INTO transactions (source_id, ordinal, incarnation_id, gtid, start_file, start_number, start_offset, end_file, end_number, end_offset, commit_micros, stated_seconds,
        thread_id, server_id, tag, operation_count, first_block, last_block, rows_file)
      SELECT 1, ${Number(edge!.ordinal)} + 1 + n, ${String(edge!.incarnation_id)}, CONCAT('07485aa2-e536-11f1-b3c4-02fc00000001:', ${this.#operations} + n + 1), ${file}, ${bytes}, ${file}, ${bytes} + 400,
        ${Number(edge!.commit_micros)} + (n + 1) * 1000, 1795183500, ${session}, 1, 0, 1, NULL, NULL, NULL FROM numbers WHERE n < ${count}`);
    await this.#log.query(`INSERT INTO operations (source_id, ordinal, seq, opid, schema_name, table_name, type, ddl, seconds, inserted, updated, deleted, statement, statement_bytes, statement_charset, state)
      SELECT 1, ${Number(edge!.ordinal)} + 1 + n, 1, CONCAT('1795183500_', ${session}, '_9', ${this.#operations} + n), 'bench', CONCAT('t', n MOD 200), 'UPDATE', 0, 1795183500, 0, 1, 0,
        'update t set n = n + 1 where id = 5', 35, 45, 'captured' FROM numbers WHERE n < ${count}`);
    await this.#log.query(`UPDATE checkpoints SET next_ordinal = next_ordinal + ${count}, file_offset = ${Number(edge!.end_offset)} + ${count * 400}, commit_micros = ${Number(edge!.commit_micros)} + ${count * 1000}`);
  }
}
