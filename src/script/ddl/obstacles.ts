import type { DdlStatement, TableName } from '../../binlog/sql/classify.ts';
import { concerns, isOfObject, type DdlRecord } from './records.ts';
import type { TriggerChange } from './undone.ts';

/**
 * Whether a later DDL, which is not undone, leaves nothing for an undo to start from: it is about the same table or object, or about what
 * that is in.
 * @param triggers of the DDL that is to be undone.
 */
export function standsInTheWay(later: DdlRecord, record: DdlRecord, triggers: TriggerChange | null): boolean {
  const { operation, read } = record;
  if (!isOfObject(record)) {
    return !isTruncate(later) && [operation, ...read?.statement.tables ?? []].some(({ schema, table }) => concerns(later, { schema, table }));
  }
  if (later.operation.schema !== operation.schema && !later.read?.statement.renames.some(({ to }) => to.schema === operation.schema)) return false;
  if (later.read === null || !later.read.statement.certain) return true;
  const [then, now] = [read!.statement, later.read.statement];
  if (now.database !== null) return then.database !== null || now.verb !== 'ALTER';
  if (then.object === 'VIEW' || then.object === 'SEQUENCE') return now.object !== 'TRIGGER' && now.object !== 'INDEX' && now.tables.some((name) => same(name, operation));
  const names = [then.name, read!.renamedTo && { schema: read!.renamedTo.schema, table: read!.renamedTo.name }];
  const others = [now.name, later.read.renamedTo && { schema: later.read.renamedTo.schema, table: later.read.renamedTo.name }];
  if (now.object === then.object && names.some((name) => name && others.some((other) => other && sameInAnyCase(name, other)))) return true;
  return triggers !== null && takesTable(now) && now.tables.some((name) => same(name, triggers));
}

const isTruncate = ({ read }: DdlRecord): boolean => read?.statement.verb === 'TRUNCATE';

/** Triggers go, or move, with their table. */
const takesTable = ({ object, verb, renames, orReplace }: DdlStatement): boolean => object === 'TABLE' && (verb === 'DROP' || renames.length > 0 || (verb === 'CREATE' && orReplace));

const same = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.table === b.table;

/** Routines, events and triggers are called without regard to letter case. */
const sameInAnyCase = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.table.toLowerCase() === b.table.toLowerCase();
