import { setTimeout as delay } from 'node:timers/promises';
import type { DdlStatement, TableName } from '../../binlog/sql/classify.ts';
import { undoDdl, type DdlVerdict } from '../../rollback/ddl/undo-ddl.ts';
import { triggerBefore } from '../../rollback/ddl/undo-object.ts';
import type { UndoStatement } from '../../rollback/ddl/verdict.ts';
import type { ReadDdl } from '../../rollback/ddl/read-ddl.ts';
import type { DdlStates } from '../../schema/ddl-states.ts';
import type { ObjectStates } from '../../schema/objects/object-states.ts';
import type { ObjectName } from '../../schema/objects/object.ts';
import { ddlStates, tablesAsked } from '../../store/ddl-states.ts';
import { objectsAsked, objectStates } from '../../store/object-states.ts';
import type { ScriptContext } from '../context.ts';
import type { LogRange } from '../range.ts';
import { around, type Around } from './expectations.ts';
import { madeAgain, NO_OBJECTS, objectsAround, triggersMadeAgain } from './object-expectations.ts';
import { isOfObject, type DdlRecord } from './records.ts';
import type { DdlUndo, TriggerChange, UndoStep } from './undone.ts';

/** Seconds that a replay, which runs beside the stream, is given when the caller names none. */
const REPLAY_SECONDS = 10;
const POLL_MS = 50;

export interface Judged {
  readonly kind: DdlVerdict['kind'];
  readonly undo: DdlUndo | null;
  readonly why: string;
}

const refused = (why: string): Judged => ({ kind: 'refused', undo: null, why });
const NO_TABLES: Around = { before: [], after: [] };

/** What undoes a DDL, and what is expected before and after that. @param wait seconds for definitions that are still being found out. */
export async function judge(context: ScriptContext, range: LogRange, record: DdlRecord, wait: number | null): Promise<Judged> {
  const { operation, transaction, read } = record;
  if (read === null) return refused('its text was not fully understood');
  const { statement } = read;
  const { flavour } = range.source;
  const states = await settledStates(context, range, transaction, tablesAsked(statement, operation), wait);
  if (states === null) return refused('what it made is still being found out');
  const objects = await objectStates(context.connection, context.ledger, range.source.id, transaction, [operation.schema], [...objectsAsked(statement, operation), ...namesAfter(read)]);
  const verdict = undoDdl({ ...read, flavour, states, objects }, operation);
  if (verdict.kind === 'refused') return refused(verdict.why);
  if (verdict.kind !== 'undo') return { kind: verdict.kind, undo: null, why: '' };
  const { statements, loss } = verdict;
  const ofObjects = objectsAround(read, operation, objects);
  if (ofObjects === null && isOfObject(record)) return refused('what it made cannot be looked at');
  const known = ofObjects === null ? around(read, operation, states, operation.session?.schema ?? '') : NO_TABLES;
  if (known === null) return refused('the definitions around it are not known');
  const undo = (steps: readonly UndoStep[]): Judged => ({ kind: 'undo', undo: { steps, loss, around: known, triggers: triggerChange(statement, operation, objects) }, why: '' });
  if (statement.database !== null && ofObjects !== null) {
    const whole: UndoStep = { statements: statements.filter(({ makes }) => makes === undefined), objects: ofObjects };
    return undo([whole, ...statements.flatMap((one): UndoStep[] => (one.makes ? [{ statements: [one], objects: madeAgain(one.makes) }] : []))]);
  }
  return undo([{ statements, objects: ofObjects ?? (makesTriggers(statement, statements) ? triggersMadeAgain(operation, objects) : NO_OBJECTS) }]);
}

const makesTriggers = ({ verb }: DdlStatement, statements: readonly UndoStatement[]): boolean => verb === 'DROP' && statements.length > 1;

/** Names that the statement gives beside those that it takes. */
function namesAfter({ statement: { verb, renames }, renamedTo }: ReadDdl): ObjectName[] {
  const pairs = verb === 'RENAME' ? renames.flatMap(({ from, to }) => [from, to]) : [];
  return [...(renamedTo ? [renamedTo] : []), ...pairs.flatMap(({ schema, table }) => (['VIEW', 'SEQUENCE'] as const).map((kind): ObjectName => ({ schema, kind, name: table })))];
}

function triggerChange(statement: DdlStatement, { schema, table }: TableName, objects: ObjectStates): TriggerChange | null {
  const { object, verb, name } = statement;
  if (object !== 'TRIGGER' || name === null) return null;
  const was = triggerBefore(statement, { schema, table }, objects);
  if (verb === 'CREATE') return { schema, table, gone: was ? null : name.table, made: null };
  return was ? { schema: name.schema, table: was.table, gone: null, made: was.text.name } : null;
}

/** Waits for what is being run again; null when that takes too long. */
async function settledStates({ connection, ledger, signal }: ScriptContext, { source }: LogRange, transaction: DdlRecord['transaction'], names: readonly TableName[], wait: number | null): Promise<DdlStates | null> {
  const deadline = performance.now() + (wait ?? REPLAY_SECONDS) * 1000;
  for (;;) {
    const states = await ddlStates(connection, ledger, source, transaction, names);
    if (states !== null || performance.now() >= deadline) return states;
    await delay(POLL_MS, undefined, signal ? { signal } : {});
  }
}
