import type { TableName } from '../../binlog/sql/classify.ts';
import { openConnection, row, scalar } from '../../core/mysql.ts';
import { UndoError } from '../../core/errors.ts';
import { parseTableText } from '../../schema/table-text.ts';
import type { Ledger } from '../../store/ledger.ts';
import { not, type Condition } from '../conditions.ts';
import type { ScriptContext } from '../context.ts';
import { counted } from '../counted.ts';
import type { Finding } from '../finding.ts';
import type { LogRange } from '../range.ts';
import type { ScriptOptions } from '../selection.ts';
import { fromOperations } from '../tally.ts';
import { rowsWhere, wasWritten } from './checks.ts';
import type { UndoneDdl } from './undone.ts';
import { describeDdl, isCreation, sameTable } from './records.ts';

/** What an undo destroys: rows of a table that meet a condition. */
export interface Destroyed extends TableName {
  readonly condition: string;
}

/** What of a table the undo of a DDL would drop: all of it, or values in columns; null: nothing. */
export function destroyedBy({ read, operation, around: { before, after } }: UndoneDdl, flavour: 'mysql' | 'mariadb'): Destroyed | null {
  const { statement, renames } = read;
  if (statement.object === 'DATABASE') return null;
  if (isCreation(statement)) return { schema: operation.schema, table: operation.table, condition: 'TRUE' };
  const [now] = after.filter(({ definition }) => definition !== null);
  const [was] = before.filter(({ definition }) => definition !== null);
  if (statement.verb === 'RENAME' || !now?.definition || !was?.definition) return null;
  const text = parseTableText(now.definition.sql, flavour);
  const kept = new Set(was.definition.columns.map(({ name }) => (renames.find(({ from }) => from.toLowerCase() === name.toLowerCase())?.to ?? name).toLowerCase()));
  const conditions = now.definition.columns.filter(({ name }) => !kept.has(name.toLowerCase()))
    .map((column) => wasWritten(column, text.columns.find(({ name }) => name === column.name)?.body ?? ''))
    .filter((condition) => condition !== null);
  if (conditions.length === 0) return null;
  return { schema: now.schema, table: now.table, condition: conditions.includes('TRUE') ? 'TRUE' : conditions.map((condition) => `(${condition})`).join(' OR ') };
}

/**
 * Undoing CREATE TABLE or ADD COLUMN takes away what others wrote there since. Counted from the log; where the source shows that nothing is
 * there, nothing is lost. The script looks again when it runs.
 * @param where what is undone.
 */
export async function overwritten(context: ScriptContext, range: LogRange, { undone }: { readonly undone: readonly UndoneDdl[] }, where: Condition, { mode }: ScriptOptions): Promise<Finding[]> {
  if (mode === 'nocascade-force') return [];
  const findings: Finding[] = [];
  for (const ddl of undone) {
    const destroyed = destroyedBy(ddl, range.source.flavour);
    if (!destroyed) continue;
    // Once it was dropped or moved under another name, that DDL is undone first: its table has the rows that are left.
    if (undone.some((later) => later.operation.ordinal > ddl.operation.ordinal && later.around.before.some((name) => sameTable(name, destroyed)))) continue;
    const { transactions, operations } = await laterWrites(context, range.source.id, ddl, destroyed, where);
    if (operations === 0 || await presentRows(range, destroyed) === 0) continue;
    const what = destroyed.condition === 'TRUE' ? 'rows' : 'values in added columns';
    findings.push({
      code: 'CONFLICT', allow: null,
      message: `The undo of ${describeDdl(ddl)} would drop ${what} that ${counted(operations, 'operation')} of ${counted(transactions, 'later transaction')} may have written, which ${transactions === 1 ? 'is' : 'are'} not undone`,
    });
  }
  return findings;
}

async function laterWrites({ connection, ledger }: { readonly connection: ScriptContext['connection']; readonly ledger: Ledger }, sourceId: number, { operation }: UndoneDdl, name: TableName, where: Condition): Promise<{ transactions: number; operations: number }> {
  const others = not(where);
  const found = await row<Record<'transactions' | 'operations', string>>(connection,
    `SELECT COUNT(DISTINCT o.ordinal) AS transactions, COUNT(*) AS operations ${fromOperations(ledger)}
     WHERE o.source_id = ? AND o.ordinal >= ? AND o.ddl = 0 AND o.schema_name = ? AND o.table_name = ? AND o.inserted + o.updated > 0 AND ${others.sql}`,
    [sourceId, operation.ordinal, name.schema, name.table, ...others.parameters]);
  return { transactions: Number(found?.transactions ?? 0), operations: Number(found?.operations ?? 0) };
}

/** Null: the source cannot be asked. */
async function presentRows({ live }: LogRange, destroyed: Destroyed): Promise<number | null> {
  const connection = live === null ? null : await openConnection(live.endpoint).catch((error: unknown) => {
    if (error instanceof UndoError) return null;
    throw error;
  });
  if (connection === null) return null;
  try {
    return Number(await scalar(connection, `SELECT ${rowsWhere(destroyed, destroyed.condition)}`));
  } catch {
    // Gone or altered since: the count of the log stands.
    return null;
  } finally {
    connection.destroy();
  }
}
