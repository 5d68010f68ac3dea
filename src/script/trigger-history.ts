import type { TableName } from '../binlog/sql/classify.ts';
import { isCopySwap } from './ddl/online-change.ts';
import { sameTable } from './ddl/records.ts';
import type { UndoneDdl } from './ddl/undone.ts';
import { renamed, type RenamingDdl } from './renamings.ts';

/** Rows of a name, up to an ordinal. */
interface Piece extends TableName {
  readonly lastOrdinal: number;
}

const changesTriggers = ({ triggers }: UndoneDdl, name: TableName): boolean => triggers !== null && sameTable(triggers, name);

/** Where DDL on the triggers of a table is undone, so that its rows meet other triggers before and behind that. */
export function triggerBounds(name: TableName, undone: readonly UndoneDdl[]): number[] {
  return undone.filter((ddl) => changesTriggers(ddl, name)).map(({ operation }) => operation.ordinal);
}

/**
 * The triggers that rows meet when they are undone: those of now, but for what the script makes and takes before it comes to them.
 * @param statements DDL that stays and renames tables, oldest first.
 */
export function triggersThen(now: readonly string[], piece: Piece, statements: readonly RenamingDdl[], undone: readonly UndoneDdl[]): string[] {
  let name: TableName = { schema: piece.schema, table: piece.table };
  const changes: UndoneDdl[] = [];
  // The tables of one statement have a record each, with all of its names.
  const first = undone.filter(({ operation }, i) => operation.ordinal !== undone[i - 1]?.operation.ordinal);
  const steps = [
    ...statements.map((step) => ({ ordinal: step.ordinal, pairs: step.tables, ddl: null })),
    ...first.map((ddl) => ({ ordinal: ddl.operation.ordinal, pairs: ddl.read.statement.renames, ddl })),
  ].sort((a, b) => a.ordinal - b.ordinal);
  for (const { ordinal, pairs, ddl } of steps) {
    if (ordinal <= piece.lastOrdinal) continue;
    if (ddl !== null && changesTriggers(ddl, name)) changes.push(ddl);
    else if (ddl !== null || !isCopySwap(pairs, name)) name = renamed(pairs, name);
  }
  const triggers = new Set(now);
  for (const { triggers: change } of changes.toReversed()) {
    if (change?.gone) triggers.delete(change.gone);
    if (change?.made) triggers.add(change.made);
  }
  return [...triggers].sort();
}
