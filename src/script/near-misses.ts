import type { Connection } from 'mysql2/promise';
import { rows } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import { actorScope, and, ordinals, tableScope, type Condition } from './conditions.ts';
import { countedChanges } from './counted.ts';
import { formatMicros } from './datetime.ts';
import type { LogRange } from './range.ts';
import { formatTable, type Selection } from './selection.ts';
import { fromOperations, tallyTotals } from './tally.ts';

/** What lies near a selection without a match, in sentences. */
export async function nearMisses(connection: Connection, ledger: Ledger, range: LogRange, selection: Selection): Promise<string[]> {
  const inRange = ordinals(range.source.id, range.from, range.to);
  const all = await tallyTotals(connection, ledger, inRange);
  const said = [`The range holds ${countedChanges(all, 'in')} of all tables and sessions.`];
  const everywhere = ordinals(range.source.id, 1, Number.MAX_SAFE_INTEGER);
  const tables = tableScope(selection);
  const actors = actorScope({ ...selection, types: [], minRows: 0 }, range.source.flavour, ledger);
  if (tables.length > 0) said.push(...await nearest(connection, ledger, range, and(everywhere, ...tables), 'these tables'));
  if (selection.threadIds.length > 0 || selection.user !== null) said.push(...await nearest(connection, ledger, range, and(everywhere, ...actors), 'these sessions'));
  return said;
}

/** The last one before the range and the first one behind it. */
async function nearest(connection: Connection, ledger: Ledger, range: LogRange, where: Condition, what: string): Promise<string[]> {
  const look = async (side: string, bound: number, order: string): Promise<string[]> => {
    const found = await rows<Record<string, string | number>>(connection,
      `SELECT o.opid AS opid, o.type AS type, o.schema_name AS schema_name, o.table_name AS table_name, t.thread_id AS thread_id, t.commit_micros AS micros
       ${fromOperations(ledger)} WHERE ${where.sql} AND o.ordinal ${side} ? ORDER BY o.ordinal ${order}, o.seq ${order} LIMIT 1`, [...where.parameters, bound]);
    return found.map((o) => `${o.type} of ${formatTable({ schema: String(o.schema_name), table: String(o.table_name) })} by thread ${o.thread_id} at ${formatMicros(Number(o.micros))}, opid ${o.opid}`);
  };
  const before = await look('<', range.from, 'DESC');
  const inside = await look('>=', range.from, 'ASC');
  const said = [...before.map((text) => `Last before the range of ${what}: ${text}.`), ...inside.map((text) => `First since its begin of ${what}: ${text}.`)];
  return said.length > 0 ? said : [`The log holds nothing of ${what}.`];
}
