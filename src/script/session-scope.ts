import { scalar } from '../core/mysql.ts';
import type { SourceRecord } from '../store/registry.ts';
import { and, type Condition } from './conditions.ts';
import type { ScriptContext } from './context.ts';
import type { FindOptions, Selection } from './selection.ts';

/**
 * A page of one session's operations lies among as many of its newest transactions, which an index holds in order: without that bound all that the session ever did
 * would be read and sorted for it. Only where nothing else leaves operations out; empty else.
 * @param range of transactions, alias `t`.
 * @param before the page ends before this ordinal or in it; null: at the end of the log.
 */
export async function sessionScope({ connection, ledger }: ScriptContext, source: SourceRecord, selection: Selection, options: FindOptions, range: readonly Condition[], before: number | null): Promise<Condition[]> {
  const { threadIds, databases, tables, excludeDatabases, excludeTables, user, minRows, scripts, includeGtids, excludeGtids, opids, types } = selection;
  const narrowed = [databases, tables, excludeDatabases, excludeTables, scripts, opids, types].some((list) => list.length > 0);
  if (threadIds.length === 0 || narrowed || user !== null || minRows > 0 || includeGtids !== null || excludeGtids !== null || options.text !== null) return [];
  let first = Infinity;
  for (const threadId of threadIds) {
    const where = and({ sql: 't.source_id = ? AND t.thread_id = ?', parameters: [source.id, threadId] }, ...range,
      ...(before === null ? [] : [{ sql: 't.ordinal <= ?', parameters: [before] }]),
      { sql: `EXISTS (SELECT 1 FROM ${ledger.table('operations')} x WHERE x.source_id = t.source_id AND x.ordinal = t.ordinal)`, parameters: [] });
    // One more tells that there is a next page; the one that `before` stands in may give nothing.
    const found = await scalar<string | number>(connection, `SELECT t.ordinal FROM ${ledger.table('transactions')} t WHERE ${where.sql} ORDER BY t.ordinal DESC LIMIT 1 OFFSET ${options.limit + 1}`, where.parameters);
    first = Math.min(first, Number(found ?? 0));
  }
  return first > 0 ? [{ sql: 'o.ordinal >= ?', parameters: [first] }] : [];
}
