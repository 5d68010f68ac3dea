import { allHistories } from './definitions.ts';
import { historyOf, type Plan } from './plan.ts';

/** Whether rows of an operation are undone in a table that keeps what was done to it whatever becomes of the transaction. */
export function cannotRollBack(plan: Pick<Plan, 'histories'>, { schema, table, ordinal, ddl }: { readonly schema: string; readonly table: string; readonly ordinal: number; readonly ddl: boolean }): boolean {
  return !ddl && historyOf(plan, schema, table, ordinal)?.present?.transactional === false;
}

/** Whether any rows are. */
export function locksTables({ histories }: Pick<Plan, 'histories'>): boolean {
  return allHistories(histories.values()).some(({ present }) => present?.transactional === false);
}

/** A script is divided at what nothing can roll back: at each DDL, and at rows of such tables. */
export function inSections(plan: Pick<Plan, 'ddl' | 'histories'>): boolean {
  return plan.ddl.length > 0 || locksTables(plan);
}
