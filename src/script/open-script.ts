import { UndoError } from '../core/errors.ts';
import { refuseConflicts } from './conflicts/report.ts';
import type { ScriptContext } from './context.ts';
import { HistoryEntry, type RequestKind } from './history.ts';
import type { Dialect } from './parameter-reader.ts';
import type { RawParameters } from './parameters.ts';
import { makePlan, refuseUnlessAllowed, type Plan } from './plan.ts';
import { readScriptOptions, readSelection, requireLimits } from './read-parameters.ts';
import { renderCheck } from './render-check.ts';
import { renderScript } from './render.ts';
import type { ScriptSummary } from './script-summary.ts';
import { inSections } from './sections.ts';

export interface OpenedScript {
  readonly plan: Plan;
  readonly bytes: AsyncGenerator<Buffer, ScriptSummary>;
  /** Instead of taking the bytes: notes why nobody does. */
  readonly notSent: (why: string) => Promise<void>;
}

/** From parameters to a plan; what stands against a script is in it. @throws UndoError for what cannot even be planned. */
export async function openPlan(context: ScriptContext, raw: RawParameters, dialect: Dialect): Promise<Plan> {
  const { plan } = await planned(context, 'plan', raw, dialect, () => undefined);
  return plan;
}

/**
 * From parameters to a script that may be sent: whatever can be refused is refused here, before the first byte.
 * @throws UndoError
 */
export async function openScript(context: ScriptContext, raw: RawParameters, dialect: Dialect): Promise<OpenedScript> {
  const { plan, entry } = await planned(context, 'script', raw, dialect, (made) => {
    refuseUnlessAllowed(made);
    refuseConflicts(made.conflicts);
    if (made.options.fromPart > 1 && inSections(made)) {
      throw new UndoError('USAGE', `${dialect.nameOf('from_part')} is given for a script that undoes DDL or rows of tables that cannot roll back.`, { fix: 'Go on with the text of the script that stopped, as its head says.' });
    }
    if (made.options.fromPart > 1 && made.range.stopFrom !== 'asked' && made.selection.opids.length + made.selection.scripts.length === 0) {
      throw new UndoError('USAGE', `${dialect.nameOf('from_part')} needs a stop: without one the parts are others than those of the script that stopped.`, {
        fix: `Give the stop of that script's head: ${dialect.nameOf('stop_position')}.`,
      });
    }
    if (made.options.failIfEmpty && made.totals.operations === 0) throw new UndoError('NO_MATCH', `Nothing matches. ${made.nearMisses.join(' ')}`);
  });
  return { plan, bytes: recordedScript(context, plan, entry), notSent: (why) => entry.dropped(why) };
}

interface Planned {
  readonly plan: Plan;
  readonly entry: HistoryEntry;
}

/** @param judge throws for a plan that is not to become what was asked for. */
async function planned(context: ScriptContext, kind: RequestKind, raw: RawParameters, dialect: Dialect, judge: (plan: Plan) => void): Promise<Planned> {
  const selection = readSelection(raw, dialect);
  const options = readScriptOptions(raw, dialect);
  requireLimits(selection, dialect);
  const entry = await HistoryEntry.open(context, kind, selection, options);
  try {
    const made = await makePlan(context, selection, options, entry.id);
    const plan = entry.recorded ? made : { ...made, warnings: [...made.warnings, 'This request is not in the history of scripts: the account may not write to the ledger.'] };
    await entry.planned(plan, kind === 'plan' ? 'complete' : 'starting');
    judge(plan);
    return { plan, entry };
  } catch (error) {
    await entry.failed(error);
    throw error;
  }
}

/** The script's bytes, while its row in the history follows; a reader that goes away cancels it. */
async function* recordedScript(context: ScriptContext, plan: Plan, entry: HistoryEntry): AsyncGenerator<Buffer, ScriptSummary> {
  const pieces = plan.options.format === 'check' ? renderCheck(context, plan) : renderScript(context, plan);
  let bytes = 0;
  let open = true;
  try {
    for (;;) {
      const piece = await pieces.next();
      if (piece.done === true) {
        open = false;
        await entry.complete(bytes, piece.value);
        return piece.value;
      }
      bytes += piece.value.length;
      await entry.progress(bytes);
      yield piece.value;
    }
  } catch (error) {
    open = false;
    await entry.failed(context.signal?.aborted === true ? null : error);
    throw error;
  } finally {
    if (open) await entry.failed(null);
  }
}
