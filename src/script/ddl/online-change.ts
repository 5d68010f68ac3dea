import type { TableName } from '../../binlog/sql/classify.ts';
import { isCopyName } from '../../binlog/sql/online-copy.ts';
import { formatTable } from '../selection.ts';
import { describeDdl, sameTable, type DdlRecord } from './records.ts';

type Renames = readonly { readonly from: TableName; readonly to: TableName }[];

/** gh-ost and pt-online-schema-change put an altered copy, which has the same rows, into the place of the table. */
export function isCopySwap(pairs: Renames, { schema, table }: TableName): boolean {
  return pairs.some(({ from, to }) => sameTable(to, { schema, table }) && from.schema === schema && isCopyName(from.table, table));
}

/** An online schema change that came to its swap. */
export interface OnlineChange {
  readonly swap: DdlRecord;
  readonly table: TableName;
  /** The copy, where the old table went, and gh-ost's own log: what happens there is work of the tool, and no change of data. */
  readonly helpers: readonly TableName[];
  /** The triggers by which pt-online-schema-change carries rows over. */
  readonly triggers: readonly TableName[];
}

export function onlineChanges(records: readonly DdlRecord[]): OnlineChange[] {
  const changes: OnlineChange[] = [];
  for (const record of records) {
    const renames = record.read?.statement.renames ?? [];
    for (const { from, to } of renames) {
      if (!isCopySwap([{ from, to }], to) || changes.some(({ swap, table }) => swap.operation.ordinal === record.operation.ordinal && sameTable(table, to))) continue;
      const old = renames.filter((pair) => sameTable(pair.from, to)).map((pair) => pair.to);
      changes.push({ swap: record, table: to, helpers: [from, ...old, { schema: to.schema, table: `_${to.table}_ghc` }], triggers: triggersInto(from, to, records) });
    }
  }
  return changes;
}

/** Triggers of a table that were made to write into its copy. */
function triggersInto(copy: TableName, table: TableName, records: readonly DdlRecord[]): TableName[] {
  return records.flatMap(({ operation, read }) => {
    const { verb, object, name } = read?.statement ?? {};
    return verb === 'CREATE' && object === 'TRIGGER' && name && sameTable(operation, table) && operation.statement?.includes(copy.table) ? [name] : [];
  });
}

/** Whether a DDL is a step of an online change: the swap itself, or work on its helpers and triggers. */
export function isStepOf({ swap, helpers, triggers }: OnlineChange, { operation, read }: DdlRecord): boolean {
  const { object, name } = read?.statement ?? {};
  if (object === 'TRIGGER' && name && triggers.some((trigger) => sameTable(trigger, name))) return true;
  return operation.ordinal === swap.operation.ordinal || helpers.some((helper) => sameTable(helper, operation));
}

export function describeChange({ swap, table }: OnlineChange): string {
  return `The online schema change of ${formatTable(table)} (${describeDdl(swap)}) stays: rows are taken back in the table that it made, and what it copied is left alone.`;
}
