import type { Connection } from 'mysql2/promise';
import { grouped } from '../core/grouped.ts';
import { rows, run } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import { narrowest, notePurged, EVERYTHING, type RetentionScope } from '../store/retention-points.ts';
import type { BackupRowRemover, DoomedOperation } from './retention-rows.ts';

/** A scope and the first ordinal that it keeps. */
export interface ScopeCut extends RetentionScope {
  readonly cut: number;
}

export interface PassContext {
  readonly connection: Connection;
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly remover: BackupRowRemover;
  /** Every scope, the one for everything among them. */
  readonly cuts: readonly ScopeCut[];
  readonly signal: AbortSignal;
  readonly onOperations: (operations: number, transactions: number, ordinal: number) => Promise<void>;
}

const OPERATIONS_AT_ONCE = 2000;

type Fields = Record<string, string | number>;

const toDoomed = (found: Fields): DoomedOperation => ({
  ordinal: Number(found.ordinal), seq: Number(found.seq), opid: String(found.opid), schema: String(found.schema_name), table: String(found.table_name),
});

/** Removes what lies between `from` and the general cut, but for what a longer retention keeps. */
export async function passOverEverything(context: PassContext, from: number, cut: number): Promise<void> {
  const { connection, ledger, sourceId, remover, cuts, signal } = context;
  let swept = from;
  let at = { ordinal: from, seq: -1 };
  while (swept < cut && !signal.aborted) {
    const found = await rows<Fields>(connection,
      `SELECT ordinal, seq, opid, schema_name, table_name FROM ${ledger.table('operations')} WHERE source_id = ? AND ordinal >= ? AND ordinal < ?
       AND NOT (ordinal = ? AND seq <= ?) ORDER BY ordinal, seq LIMIT ${OPERATIONS_AT_ONCE}`, [sourceId, at.ordinal, cut, at.ordinal, at.seq]);
    const page = found.map(toDoomed);
    const doomed = page.filter(({ ordinal, schema, table }) => ordinal < (narrowest(cuts, schema, table)?.cut ?? cut));
    await remover.remove(doomed);
    const last = page.at(-1);
    const through = last && page.length === OPERATIONS_AT_ONCE ? last.ordinal - 1 : cut - 1;
    await connection.query('START TRANSACTION');
    await deleteRuns(context, page, new Set(doomed));
    const transactions = await run(connection,
      `DELETE FROM ${ledger.table('transactions')} WHERE source_id = ? AND ordinal >= ? AND ordinal <= ? AND NOT EXISTS
       (SELECT 1 FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ordinal = ${ledger.table('transactions')}.ordinal)`, [sourceId, swept, through, sourceId]);
    swept = Math.max(swept, through + 1);
    await notePurged(connection, ledger, sourceId, EVERYTHING, swept);
    await connection.query('COMMIT');
    await context.onOperations(doomed.length, transactions.affectedRows, swept);
    if (last) at = last;
  }
}

/** The same for a scope of its own. Operations that a kept transaction still has stay, marked as purged. */
export async function passOverScope(context: PassContext, scope: ScopeCut, from: number, general: number): Promise<void> {
  const { connection, ledger, sourceId, signal } = context;
  const tables = scope.table !== '' ? [scope.table] : (await rows<{ name: string }>(connection,
    `SELECT DISTINCT table_name AS name FROM ${ledger.table('operations')} WHERE source_id = ? AND schema_name = ?`, [sourceId, scope.schema]))
    .map(({ name }) => name).filter((name) => narrowest(context.cuts, scope.schema, name) === scope);
  for (const table of tables) await passOverTable(context, { ...scope, table }, from, general);
  if (!signal.aborted) await notePurged(connection, ledger, sourceId, scope, scope.cut);
}

async function passOverTable(context: PassContext, { schema, table, cut }: ScopeCut, from: number, general: number): Promise<void> {
  const { connection, ledger, sourceId, remover, signal } = context;
  let at = { ordinal: from, seq: -1 };
  while (!signal.aborted) {
    const found = await rows<Fields>(connection,
      `SELECT ordinal, seq, opid, schema_name, table_name FROM ${ledger.table('operations')} WHERE source_id = ? AND schema_name = ? AND table_name = ?
       AND ordinal >= ? AND ordinal < ? AND NOT (ordinal = ? AND seq <= ?) AND state <> 'purged' ORDER BY ordinal, seq LIMIT ${OPERATIONS_AT_ONCE}`,
      [sourceId, schema, table, at.ordinal, cut, at.ordinal, at.seq]);
    const page = found.map(toDoomed);
    const last = page.at(-1);
    if (!last) return;
    await remover.remove(page);
    const gone = page.filter(({ ordinal }) => ordinal < general);
    await connection.query('START TRANSACTION');
    await byOrdinal(context, `DELETE FROM ${ledger.table('operations')}`, gone);
    await byOrdinal(context, `UPDATE ${ledger.table('operations')} SET state = 'purged'`, page.slice(gone.length));
    let transactions = 0;
    await eachFew([...new Set(gone.map(({ ordinal }) => ordinal))], async (some) => {
      const deleted = await run(connection,
        `DELETE FROM ${ledger.table('transactions')} WHERE source_id = ? AND ordinal IN (${some.map(() => '?').join(', ')}) AND NOT EXISTS
         (SELECT 1 FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ordinal = ${ledger.table('transactions')}.ordinal)`, [sourceId, ...some, sourceId]);
      transactions += deleted.affectedRows;
    });
    await connection.query('COMMIT');
    await context.onOperations(page.length, transactions, last.ordinal);
    if (page.length < OPERATIONS_AT_ONCE) return;
    at = last;
  }
}

/** Operations by what they belong to: `ordinal = ? AND seq IN (...)`, a few hundred at a time. */
async function byOrdinal(
  { connection, sourceId }: PassContext, statement: string, operations: readonly DoomedOperation[],
): Promise<void> {
  await eachFew(operations, async (some) => {
    const groups = grouped(some, ({ ordinal }) => ordinal);
    const conditions = [...groups.values()].map((group) => `(ordinal = ? AND seq IN (${group.map(() => '?').join(', ')}))`);
    await run(connection, `${statement} WHERE source_id = ? AND (${conditions.join(' OR ')})`,
      [sourceId, ...[...groups].flatMap(([ordinal, group]) => [ordinal, ...group.map(({ seq }) => seq)])]);
  });
}

/** Deletes a page of consecutive operations but for those kept, run by run: ranges are several times faster than names. */
async function deleteRuns({ connection, ledger, sourceId }: PassContext, page: readonly DoomedOperation[], doomed: ReadonlySet<DoomedOperation>): Promise<void> {
  const remove = `DELETE FROM ${ledger.table('operations')} WHERE source_id = ?`;
  for (let first = 0; first < page.length; first++) {
    if (!doomed.has(page[first]!)) continue;
    let end = first;
    while (end + 1 < page.length && doomed.has(page[end + 1]!)) end++;
    const { ordinal: a, seq: from } = page[first]!;
    const { ordinal: z, seq: to } = page[end]!;
    if (a === z) await run(connection, `${remove} AND ordinal = ? AND seq BETWEEN ? AND ?`, [sourceId, a, from, to]);
    else {
      await run(connection, `${remove} AND ordinal = ? AND seq >= ?`, [sourceId, a, from]);
      if (z > a + 1) await run(connection, `${remove} AND ordinal > ? AND ordinal < ?`, [sourceId, a, z]);
      await run(connection, `${remove} AND ordinal = ? AND seq <= ?`, [sourceId, z, to]);
    }
    first = end;
  }
}

const FEW = 500;

async function eachFew<T>(items: readonly T[], act: (some: readonly T[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += FEW) await act(items.slice(at, at + FEW));
}
