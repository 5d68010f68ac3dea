import { UndoError } from '../core/errors.ts';
import type { ScriptContext } from './context.ts';
import type { Plan } from './plan.ts';
import { renderScript } from './render.ts';
import { NOTHING_WRITTEN, type ScriptSummary } from './script-summary.ts';

/** How large the script would be. */
export interface ScriptSize {
  readonly bytes: number;
  /** False: an estimate, from the newest part of the script and the number of rows in all. */
  readonly exact: boolean;
  /** Bytes of the largest statement, where all of them were looked at; null else. */
  readonly largestStatement: number | null;
}

/** So much of a script is written for its plan: a moment. */
const MOST_WRITTEN = 16 * 1024 * 1024;

/** Writes the script into nothing, to its end or so far that the rest can be estimated. @returns null where it cannot be written. */
export async function measureScript(context: ScriptContext, plan: Plan): Promise<ScriptSize | null> {
  const rows = plan.tables.reduce((sum, { inserted, updated, deleted }) => sum + inserted + updated + deleted, 0) - (plan.conflicts.leftOut?.count ?? 0);
  let counts: ScriptSummary | null = null;
  const pieces = renderScript(context, plan, (body) => { counts = body; });
  let bytes = 0;
  try {
    for (;;) {
      const piece = await pieces.next();
      if (piece.done === true) return { bytes, exact: true, largestStatement: piece.value.statements > 0 ? piece.value.largestStatement : null };
      bytes += piece.value.length;
      const written = (counts as ScriptSummary | null)?.rows ?? 0;
      if (bytes > MOST_WRITTEN && written > 0) return { bytes: Math.round(bytes * Math.max(1, rows / written)), exact: false, largestStatement: null };
    }
  } catch (error) {
    // What stands against the rows is told by the findings, or by the script itself.
    if (error instanceof UndoError) return null;
    throw error;
  } finally {
    await pieces.return(NOTHING_WRITTEN);
  }
}
