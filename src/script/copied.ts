import type { Connection } from 'mysql2/promise';
import type { TableName } from '../binlog/sql/classify.ts';
import { rows } from '../core/mysql.ts';
import { COPIED, copiesInForce } from '../store/copy-sql.ts';
import type { Ledger } from '../store/ledger.ts';
import { and, type Condition } from './conditions.ts';
import { counted } from './counted.ts';
import type { Finding } from './finding.ts';
import type { LogRange } from './range.ts';
import { formatTable, type Selection } from './selection.ts';
import { tallyTables } from './tally.ts';

/** Selected rows that an online schema change copied: the log counts them, and does not hold them. */
export interface CopiedRows {
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

/**
 * Rows of a copy hold nothing that its table did not have, so that undo does without them, unless they are asked for by name, or the copy became
 * a table of its own.
 * @param helpers tables that the plan has accounted for already: copies of changes that came to their swap.
 */
export async function copiedRows(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection, chosen: Condition, helpers: readonly TableName[]): Promise<CopiedRows> {
  const found = await tallyTables(connection, ledger, and(chosen, { sql: 'o.state = ?', parameters: [COPIED] }));
  const findings: Finding[] = [];
  const warnings: string[] = [];
  const among = (names: readonly TableName[], { schema, table }: TableName): boolean => names.some((name) => name.schema === schema && name.table === table);
  for (const tally of found) {
    const what = `${formatTable(tally)}, ${counted(tally.inserted + tally.updated + tally.deleted, 'row')} in ${counted(tally.operations, 'operation')}`;
    const asked = selection.opids.length > 0 || among(selection.tables, tally);
    if (asked || (!among(helpers, tally) && await outlived(connection, ledger, range, tally))) {
      findings.push({ code: 'GAP_IN_RANGE', allow: 'gap', message: `The log counted rows and did not store them, because an online schema change wrote them: ${what}` });
    } else if (!among(helpers, tally)) warnings.push(`Rows that an online schema change wrote were counted and not stored, and are left alone: ${what}.`);
  }
  return { findings, warnings };
}

/** Whether a copy of that name went on as something else than the table that it was made for. */
async function outlived(connection: Connection, ledger: Ledger, { source }: LogRange, { schema, table }: TableName): Promise<boolean> {
  const found = await rows(connection, `SELECT 1 AS found FROM ${ledger.table('copies')} WHERE source_id = ? AND schema_name = ? AND table_name = ? AND fate = 'kept' LIMIT 1`, [source.id, schema, table]);
  return found.length > 0;
}

/** A table that is being filled, as `status` shows it. */
export interface FilledTable {
  readonly table: string;
  /** The table that is changed. */
  readonly of: string;
  /** Epoch seconds of the source. */
  readonly begunSeconds: number;
  /** Counted so far, of what retention has left. */
  readonly operations: number;
  readonly rows: number;
}

export async function filledTables(connection: Connection, ledger: Ledger, sourceId: number): Promise<FilledTable[]> {
  const filled: FilledTable[] = [];
  for (const { schema, table, of, begunSeconds } of await copiesInForce(connection, ledger, sourceId)) {
    const [tally] = await tallyTables(connection, ledger, {
      sql: 'o.source_id = ? AND o.schema_name = ? AND o.table_name = ? AND o.state = ? AND o.seconds >= ?', parameters: [sourceId, schema, table, COPIED, begunSeconds],
    });
    filled.push({
      table: formatTable({ schema, table }), of: formatTable({ schema, table: of }), begunSeconds,
      operations: tally?.operations ?? 0, rows: tally === undefined ? 0 : tally.inserted + tally.updated + tally.deleted,
    });
  }
  return filled;
}
