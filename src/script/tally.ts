import type { Connection } from 'mysql2/promise';
import { row, rows } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Condition } from './conditions.ts';

/** What the selection touches of one table. */
export interface TableTally {
  readonly schema: string;
  readonly table: string;
  readonly operations: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly firstOrdinal: number;
  readonly lastOrdinal: number;
}

export interface Totals {
  readonly transactions: number;
  readonly operations: number;
  readonly firstOrdinal: number | null;
  readonly lastOrdinal: number | null;
}

/** `FROM operations o JOIN transactions t`, the ground of every question below. */
export function fromOperations(ledger: Ledger): string {
  return `FROM ${ledger.table('operations')} o JOIN ${ledger.table('transactions')} t ON t.source_id = o.source_id AND t.ordinal = o.ordinal`;
}

type Numbers = Record<string, string | number | null>;

/** Counts per table, by name. */
export async function tallyTables(connection: Connection, ledger: Ledger, where: Condition): Promise<TableTally[]> {
  const found = await rows<Numbers>(connection,
    `SELECT o.schema_name AS schema_name, o.table_name AS table_name, COUNT(*) AS operations, SUM(o.inserted) AS inserted, SUM(o.updated) AS updated,
       SUM(o.deleted) AS deleted, MIN(o.ordinal) AS first_ordinal, MAX(o.ordinal) AS last_ordinal
     ${fromOperations(ledger)} WHERE ${where.sql} GROUP BY o.schema_name, o.table_name ORDER BY o.schema_name, o.table_name`, where.parameters);
  return found.map((table) => ({
    schema: String(table.schema_name), table: String(table.table_name), operations: Number(table.operations), inserted: Number(table.inserted),
    updated: Number(table.updated), deleted: Number(table.deleted), firstOrdinal: Number(table.first_ordinal), lastOrdinal: Number(table.last_ordinal),
  }));
}

export async function tallyTotals(connection: Connection, ledger: Ledger, where: Condition): Promise<Totals> {
  const found = await row<Numbers>(connection,
    `SELECT COUNT(DISTINCT o.ordinal) AS transactions, COUNT(*) AS operations, MIN(o.ordinal) AS first_ordinal, MAX(o.ordinal) AS last_ordinal
     ${fromOperations(ledger)} WHERE ${where.sql}`, where.parameters);
  const ordinal = (value: string | number | null | undefined): number | null => (value === null || value === undefined ? null : Number(value));
  return {
    transactions: Number(found?.transactions ?? 0), operations: Number(found?.operations ?? 0),
    firstOrdinal: ordinal(found?.first_ordinal), lastOrdinal: ordinal(found?.last_ordinal),
  };
}
