import type { Connection } from 'mysql2/promise';
import { grouped } from '../core/grouped.ts';
import { rows } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import { readOperationsBetween, readSmallOperations, type StoredOperation, type StoredTransaction } from '../store/log-reader.ts';

/** A gap that belongs to the place of a transaction. */
export interface GapRow {
  readonly id: string;
  readonly ordinal: string;
  readonly reason: string;
  readonly schema_name: string | null;
  readonly table_name: string | null;
  readonly detail: string;
}

/** Gaps over rows that are held: the fan-out meets these rows itself and says so in order. */
const MET_ANYWAY = ['definition-unknown', 'not-undoable', 'partial-image'];
/** More than this of one transaction, or of one statement's text, is read when its turn comes. */
const MOST_OPERATIONS = 10;
const MOST_STATEMENT_BYTES = 8192;

/** What the fan-out needs beside the blocks, read for many small transactions at once. */
export class ReadAhead {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  #gaps = new Map<number, GapRow[]>();
  #operations = new Map<number, StoredOperation[]>();

  constructor(connection: Connection, ledger: Ledger, sourceId: number) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
  }

  /** Prepares for these transactions, which follow each other, and forgets those before. */
  async prepare(transactions: readonly StoredTransaction[]): Promise<void> {
    const [first, last] = [transactions[0], transactions.at(-1)];
    if (!first || !last) return;
    const gaps = await rows<GapRow>(this.#connection,
      `SELECT id, ordinal, reason, schema_name, table_name, detail FROM ${this.#ledger.table('gaps')} WHERE source_id = ? AND ordinal BETWEEN ? AND ?
       AND reason NOT IN (${MET_ANYWAY.map(() => '?').join(', ')}) ORDER BY id`, [this.#sourceId, first.ordinal, last.ordinal, ...MET_ANYWAY]);
    this.#gaps = grouped(gaps, ({ ordinal }) => Number(ordinal));
    const small = transactions.filter(({ operationCount }) => operationCount <= MOST_OPERATIONS).map(({ ordinal }) => ordinal);
    const operations = await readSmallOperations(this.#connection, this.#ledger, this.#sourceId, small, MOST_STATEMENT_BYTES);
    const found = grouped(operations, ({ ordinal }) => ordinal);
    this.#operations = new Map(transactions.flatMap(({ ordinal, operationCount }) => {
      const all = found.get(ordinal);
      return all?.length === operationCount ? [[ordinal, all]] : [];
    }));
  }

  gaps(ordinal: number): readonly GapRow[] {
    return this.#gaps.get(ordinal) ?? [];
  }

  /** Operations of a transaction with `first <= seq <= last`, by their seq. */
  async operations({ ordinal }: StoredTransaction, first: number, last: number): Promise<Map<number, StoredOperation>> {
    const found = this.#operations.get(ordinal)?.filter(({ seq }) => seq >= first && seq <= last)
      ?? await readOperationsBetween(this.#connection, this.#ledger, this.#sourceId, ordinal, first, last);
    return new Map(found.map((operation) => [operation.seq, operation]));
  }
}
