import { rows } from '../../core/mysql.ts';
import { and, inTableScope, type Condition } from '../conditions.ts';
import type { ScriptContext } from '../context.ts';
import type { LogRange } from '../range.ts';
import type { ScriptOptions, Selection } from '../selection.ts';
import { fromOperations } from '../tally.ts';
import { Draft } from './draft.ts';
import { judge } from './judge.ts';
import { isStepOf, onlineChanges } from './online-change.ts';
import { ddlBackwards, isOfObject, wentWithDatabase, type DdlRecord } from './records.ts';
import type { DdlPlan } from './undone.ts';

/** What is selected, rows and DDL. */
export interface Wanted {
  readonly chosen: Condition;
  /** The same whatever its table. */
  readonly ofAnyTable: Condition;
}

/** Which DDL of a selection a script undoes, and what stands against that. */
export async function planDdl(context: ScriptContext, range: LogRange, selection: Selection, options: ScriptOptions, { chosen, ofAnyTable }: Wanted, hasRows: boolean): Promise<DdlPlan> {
  const { connection, ledger } = context;
  const records = await ddlBackwards(connection, ledger, range, range.from);
  const asked = await keysOf(context, and(chosen, { sql: 'o.ddl = 1', parameters: [] }));
  // The log does not tell of what table DROP TRIGGER is, its earlier definition does.
  const droppedTriggers = await keysOf(context, and(ofAnyTable, { sql: "o.type = 'DROPTRIGGER'", parameters: [] }));
  const draft = new Draft(range, selection);
  const online = onlineChanges(records);
  for (const record of records) {
    if (online.some((change) => isStepOf(change, record))) {
      draft.step(record);
      continue;
    }
    // Where the database does not come back, it is data loss of all that was in it.
    if (wentWithDatabase(record) && !draft.undoes(record)) continue;
    if (droppedTriggers.has(keyOf(record))) {
      const verdict = await judge(context, range, record, options.wait);
      if (verdict.kind === 'no-effect') continue;
      const owner = verdict.undo?.triggers ?? null;
      if (owner === null ? asked.has(keyOf(record)) : inTableScope(selection, owner.schema, owner.table)) draft.ask(record, verdict);
      else draft.keep(record, 'not selected');
      continue;
    }
    const wanted = asked.has(keyOf(record));
    const partner = records.some((other) => other !== record && other.operation.ordinal === record.operation.ordinal && asked.has(keyOf(other)));
    const { ifExists = false, ifNotExists = false } = record.read?.statement ?? {};
    if (!wanted && (isOfObject(record) || (!partner && !ifExists && !ifNotExists))) {
      draft.keep(record, 'not selected');
      continue;
    }
    const verdict = await judge(context, range, record, options.wait);
    if (verdict.kind === 'no-effect') continue;
    // The undo may stand with another table of the statement, which is judged by itself. Rows that the two exchanged are gone from both.
    if (verdict.kind === 'elsewhere' && partner) {
      if (record.read?.statement.rowsOutsideLog === true) draft.keep(record, 'rows moved between its tables, which is not in the binlog', wanted);
      continue;
    }
    if (wanted) draft.ask(record, verdict);
    else draft.keep(record, 'not selected');
  }
  return draft.finish(options, hasRows, online);
}

async function keysOf({ connection, ledger }: ScriptContext, where: Condition): Promise<ReadonlySet<string>> {
  const found = await rows<Record<'ordinal' | 'seq', string>>(connection, `SELECT o.ordinal AS ordinal, o.seq AS seq ${fromOperations(ledger)} WHERE ${where.sql}`, where.parameters);
  return new Set(found.map(({ ordinal, seq }) => `${ordinal} ${seq}`));
}

const keyOf = ({ operation }: DdlRecord): string => `${operation.ordinal} ${operation.seq}`;

/** The selected operations and their DDL as one condition. */
export function withDdl(where: Condition, { undone }: Pick<DdlPlan, 'undone'>, sourceId: number): Condition {
  if (undone.length === 0) return where;
  const places = undone.map(({ operation }) => `(${operation.ordinal}, ${operation.seq})`).join(', ');
  return { sql: `(${where.sql} OR (o.source_id = ? AND (o.ordinal, o.seq) IN (${places})))`, parameters: [...where.parameters, sourceId] };
}
