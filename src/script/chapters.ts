import type { Connection } from 'mysql2/promise';
import { rows } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import { operationColumns, toOperation, toTransaction, transactionColumns, type StoredOperation, type StoredTransaction } from '../store/log-reader.ts';
import { and, type Condition } from './conditions.ts';
import { fromOperations } from './tally.ts';

/** A transaction with those of its operations that are to be undone, newest first. */
export interface Chapter {
  readonly transaction: StoredTransaction;
  readonly operations: readonly StoredOperation[];
}

const TRANSACTIONS_AT_ONCE = 200;
/** Statement text is only shown clipped. */
const TEXT_BYTES = 400;

type Fields = Record<string, string | number | null>;

/** The transactions that `where` selects, newest first, a page in memory at a time. */
export async function* chaptersBackwards(connection: Connection, ledger: Ledger, sourceId: number, where: Condition): AsyncGenerator<Chapter> {
  for (let before = Number.MAX_SAFE_INTEGER; ;) {
    const page = await rows<{ ordinal: string }>(connection,
      `SELECT DISTINCT o.ordinal AS ordinal ${fromOperations(ledger)} WHERE ${where.sql} AND o.ordinal < ? ORDER BY o.ordinal DESC LIMIT ${TRANSACTIONS_AT_ONCE}`,
      [...where.parameters, before]);
    if (page.length === 0) return;
    const chosen = page.map(({ ordinal }) => Number(ordinal));
    const list: Condition = { sql: `o.ordinal IN (${chosen.map(() => '?').join(', ')})`, parameters: chosen };
    const transactions = await rows<Fields>(connection,
      `SELECT ${transactionColumns('o')} FROM ${ledger.table('transactions')} o WHERE o.source_id = ? AND ${list.sql}`, [sourceId, ...list.parameters]);
    const byOrdinal = new Map(transactions.map((found) => [Number(found.ordinal), toTransaction(found)]));
    const all = and(where, list);
    const columns = operationColumns('o').replace('o.statement,', `LEFT(o.statement, ${TEXT_BYTES}) AS statement,`);
    const found = await rows<Fields & { statement: Buffer | null }>(connection,
      `SELECT ${columns} ${fromOperations(ledger)} WHERE ${all.sql} ORDER BY o.ordinal DESC, o.seq DESC`, all.parameters);
    const operations = new Map<number, StoredOperation[]>(chosen.map((ordinal) => [ordinal, []]));
    for (const operation of found.map(toOperation)) operations.get(operation.ordinal)!.push(operation);
    for (const ordinal of chosen) yield { transaction: byOrdinal.get(ordinal)!, operations: operations.get(ordinal)! };
    before = chosen.at(-1)!;
  }
}
