import { scalar } from '../../core/mysql.ts';
import { and, ofOrdinals, or, type Condition } from '../conditions.ts';
import type { ScriptContext } from '../context.ts';
import type { TableHistory } from '../definitions.ts';
import type { ForeignKey } from '../foreign-keys.ts';
import type { LogRange } from '../range.ts';
import type { ScriptOptions } from '../selection.ts';
import { fromOperations, type Totals } from '../tally.ts';
import { analyse, type Analysis } from './analyse.ts';

/** Transactions that `cascade` draws in at most: whoever needs more should select more. */
const MOST_CASCADED = 10_000;

/** The operations that are meant: `own`, those of the selection; `drawn`, those of transactions that are undone as well, whatever it says. */
export interface Chosen {
  readonly own: boolean;
  readonly drawn: readonly number[];
}

/** What has to be known of a plan to look for what stands in its way. */
interface Assessed {
  readonly where: Condition;
  readonly totals: Totals;
  readonly histories: ReadonlyMap<string, TableHistory>;
  readonly foreignKeys: readonly ForeignKey[];
}

/** What stands in the way of a plan's rows. @param undone what is undone beside them. */
export async function analysePlan(context: ScriptContext, range: LogRange, options: ScriptOptions, plan: Assessed, undone: readonly Condition[] = []): Promise<Analysis> {
  const { where, totals, histories, foreignKeys } = plan;
  return analyse(context, range, { where, undone: or([where, ...undone]), first: totals.firstOrdinal! }, histories.values(), foreignKeys, options.update === 'full');
}

export interface Cascaded<Plan> {
  /** Of the selection and what was drawn in. */
  readonly plan: Plan;
  /** What is still in the way. */
  readonly found: Analysis;
  readonly drawn: readonly number[];
}

/**
 * Draws in the later transactions that stand in the way, and those that stand in the way of them, until nothing new does. Each round looks at
 * what the one before has drawn in: whatever was in the way of anything earlier is among it.
 */
export async function cascade<Plan extends Assessed>(
  context: ScriptContext, range: LogRange, options: ScriptOptions, own: Plan, assess: (chosen: Chosen) => Promise<Plan>,
): Promise<Cascaded<Plan>> {
  const undone: Condition[] = [own.where];
  const drawn = new Set<number>();
  const warnings = new Set<string>();
  let found = await analysePlan(context, range, options, own);
  for (;;) {
    for (const warning of found.warnings) warnings.add(warning);
    const fresh = [...found.ordinals].filter((ordinal) => !drawn.has(ordinal)).sort((a, b) => a - b);
    if (fresh.length === 0 || drawn.size + fresh.length > MOST_CASCADED) break;
    for (const ordinal of fresh) drawn.add(ordinal);
    const part = await assess({ own: false, drawn: fresh });
    // Nothing of them can be undone: all that is left is to tell so.
    if (part.totals.firstOrdinal === null) break;
    found = await analysePlan(context, range, options, part, undone);
    undone.push(part.where);
  }
  const all = [...drawn].sort((a, b) => a - b);
  if (all.length === 0) return { plan: own, found, drawn: all };
  const plan = await assess({ own: true, drawn: all });
  // An operation of theirs that stays may be in the way of what an earlier round looked at.
  if (await anyStays(context, range, plan, all)) found = await analysePlan(context, range, options, plan);
  return { plan, found: { ...found, warnings: [...warnings] }, drawn: all };
}

async function anyStays({ connection, ledger }: ScriptContext, range: LogRange, plan: Assessed, drawn: readonly number[]): Promise<boolean> {
  const those = ofOrdinals(range.source.id, drawn);
  const count = async (where: Condition): Promise<number> => Number(await scalar(connection, `SELECT COUNT(*) ${fromOperations(ledger)} WHERE ${where.sql} AND o.ddl = 0`, where.parameters));
  return await count(those) > await count(and(those, plan.where));
}
