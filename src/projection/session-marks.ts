import type { Connection } from 'mysql2/promise';
import { run } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import type { StoredOperation } from '../store/log-reader.ts';

const OPERATIONS_PER_UPDATE = 200;

/** Counts, per operation, the backup rows that are right only in a session of their own; written with the rows themselves. */
export class SessionMarks {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #pending = new Map<string, { readonly ordinal: number; readonly seq: number; rows: number }>();

  constructor(connection: Connection, ledger: Ledger, sourceId: number) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
  }

  add({ ordinal, seq }: StoredOperation, rows: number): void {
    if (rows === 0) return;
    const key = `${ordinal}/${seq}`;
    const known = this.#pending.get(key);
    if (known) known.rows += rows;
    else this.#pending.set(key, { ordinal, seq, rows });
  }

  async flush(): Promise<void> {
    const all = [...this.#pending.values()];
    for (let i = 0; i < all.length; i += OPERATIONS_PER_UPDATE) {
      const chunk = all.slice(i, i + OPERATIONS_PER_UPDATE);
      // Added to what is there: an operation of several blocks is written in several backup transactions.
      await run(this.#connection,
        `UPDATE ${this.#ledger.table('operations')} SET needs_session = needs_session + CASE ${'WHEN ordinal = ? AND seq = ? THEN ? '.repeat(chunk.length)}END
         WHERE (source_id, ordinal, seq) IN (${chunk.map(() => '(?, ?, ?)').join(', ')})`,
        [...chunk.flatMap(({ ordinal, seq, rows }) => [ordinal, seq, rows]), ...chunk.flatMap(({ ordinal, seq }) => [this.#sourceId, ordinal, seq])]);
    }
    this.#pending.clear();
  }
}
