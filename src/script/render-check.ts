import { parseRowsEvent } from '../binlog/rows-event.ts';
import { quoteName, quoteText } from '../core/identifiers.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import { scriptSessionSettings, SeenRows, UndoChecker } from '../rollback/index.ts';
import { BlockReader, rowsBackwards } from '../store/log-reader.ts';
import { chaptersBackwards } from './chapters.ts';
import { commentLines } from './comment.ts';
import type { ScriptContext } from './context.ts';
import { counted } from './counted.ts';
import { demandIdentity, readOnlyVariable } from './guards.ts';
import { headComments } from './head.ts';
import { historyOf, type Plan } from './plan.ts';
import { NOTHING_WRITTEN, type ScriptSummary } from './script-summary.ts';
import { formatTable } from './selection.ts';
import { ScriptWriters } from './writers.ts';

/** Bytes of one piece of output. */
const CHUNK = 256 * 1024;

/**
 * The script's pre-check, in pieces: SELECTs that list each row and key which the script would not find as it needs it, and nothing when all
 * match. It needs SELECT on the tables only, and changes nothing: its transaction is read-only. Rows that are undone after DDL cannot be looked
 * at before it; they are listed by their number.
 */
export async function* renderCheck(context: ScriptContext, plan: Plan): AsyncGenerator<Buffer, ScriptSummary> {
  yield Buffer.from(headComments(plan, context.version));
  if (plan.totals.operations === 0) return NOTHING_WRITTEN;
  const { flavour } = plan.range.source;
  const { guard, update } = plan.options;
  yield Buffer.from([
    ...scriptSessionSettings(flavour).map((statement) => `${statement};`), ...demandIdentity(plan),
    // Also in a client that goes on after an error nothing can be changed.
    `SET SESSION ${readOnlyVariable(flavour)}=1;`, 'START TRANSACTION READ ONLY;', '',
  ].join('\n'));
  const seen = new SeenRows();
  const checkers = new ScriptWriters((shape, then) => new UndoChecker(shape, then(), { flavour, form: 'script', guard, update }, seen), (schema, table, ordinal) => historyOf(plan, schema, table, ordinal));
  const out = new SqlBuffer(CHUNK * 2);
  const blocks = new BlockReader(context.connection, context.ledger, plan.range.source.id);
  let statements = 0;
  const unseen = new Map<string, number>();
  const take = (): Buffer => {
    const bytes = out.take();
    out.clear();
    return bytes;
  };
  for await (const { transaction, operations } of chaptersBackwards(context.connection, context.ledger, plan.range.source.id, plan.where)) {
    const changes = operations.filter(({ ddl }) => !ddl);
    // Rows before DDL that is undone as well will be in tables that are not there yet.
    const [now, later] = [true, false].map((ofNow) => changes.filter(({ schema, table, ordinal }) => (historyOf(plan, schema, table, ordinal)?.ofNow === true) === ofNow)) as [typeof changes, typeof changes];
    for (const operation of later) unseen.set(formatTable(operation), (unseen.get(formatTable(operation)) ?? 0) + operation.inserted + operation.updated + operation.deleted);
    const wanted = new Set(now.map(({ seq }) => seq));
    if (wanted.size === 0) continue;
    for await (const logged of rowsBackwards(blocks, transaction)) {
      const { record, contents } = logged;
      if (!wanted.has(record.operation)) continue;
      const rows = parseRowsEvent(record.type, contents.bytes, record.start, record.end);
      statements += checkers.find(transaction, logged).check(rows, out, plan.conflicts.leftOut?.rowsOf(transaction.ordinal, logged.block, record.start) ?? null);
      if (out.length >= CHUNK) yield take();
    }
    context.signal?.throwIfAborted();
  }
  for (const [table, rows] of unseen) out.text(`SELECT ${quoteText(table)} AS ${quoteName('table')},${quoteText(counted(rows, 'row change'))} AS ${quoteName('key')},'not looked at: the script undoes DDL first' AS problem;\n`);
  out.text(`ROLLBACK;\n${commentLines([`checks: ${statements}; this is the end`])}`);
  yield take();
  return { ...NOTHING_WRITTEN, statements };
}
