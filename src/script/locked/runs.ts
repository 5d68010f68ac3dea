import type { StoredOperation } from '../../store/log-reader.ts';
import type { Chapter } from '../chapters.ts';
import type { Condition } from '../conditions.ts';
import { historyOf, type Plan } from '../plan.ts';
import { cannotRollBack } from '../sections.ts';
import { formatTable, type TableName } from '../selection.ts';

type Place = Pick<StoredOperation, 'ordinal' | 'seq'>;

/** Operations of a script that follow one another, all of them on tables that cannot roll back. */
export interface LockedRun {
  readonly kind: 'locked';
  readonly newest: Place;
  readonly oldest: Place;
  /** Under the names that they have when the rows are undone. */
  readonly tables: readonly TableName[];
}

/** What a script undoes in one way: a transaction, or a part of it, or rows of many that need a lock. */
export type Stretch = LockedRun | { readonly kind: 'plain'; readonly chapter: Chapter };

/** @param chapters newest first; their order is kept. */
export async function* stretches(plan: Plan, chapters: AsyncIterable<Chapter>): AsyncGenerator<Stretch> {
  let run: StoredOperation[] = [];
  const tables = new Map<string, TableName>();
  const take = (): LockedRun[] => {
    const [newest] = run;
    const found: LockedRun[] = newest ? [{ kind: 'locked', newest, oldest: run.at(-1)!, tables: [...tables.values()] }] : [];
    run = [];
    tables.clear();
    return found;
  };
  for await (const { transaction, operations } of chapters) {
    for (const group of groups(plan, operations)) {
      if (!cannotRollBack(plan, group[0]!)) {
        yield* take();
        yield { kind: 'plain', chapter: { transaction, operations: group } };
        continue;
      }
      for (const { schema, table, ordinal } of group) {
        const name = historyOf(plan, schema, table, ordinal)?.present ?? { schema, table };
        tables.set(formatTable(name), { schema: name.schema, table: name.table });
      }
      // Its ends are enough: a run may hold any number of operations.
      run = [run[0] ?? group[0]!, group.at(-1)!];
    }
  }
  yield* take();
}

/** Neighbours of one kind. */
function groups(plan: Plan, operations: readonly StoredOperation[]): StoredOperation[][] {
  const found: StoredOperation[][] = [];
  for (const operation of operations) {
    const last = found.at(-1);
    if (last && cannotRollBack(plan, last[0]!) === cannotRollBack(plan, operation)) last.push(operation);
    else found.push([operation]);
  }
  return found;
}

/** The operations between the ends of a run. */
export function ofRun({ newest, oldest }: LockedRun): Condition {
  return {
    sql: 'o.ordinal BETWEEN ? AND ? AND (o.ordinal < ? OR o.seq <= ?) AND (o.ordinal > ? OR o.seq >= ?)',
    parameters: [oldest.ordinal, newest.ordinal, newest.ordinal, newest.seq, oldest.ordinal, oldest.seq],
  };
}
