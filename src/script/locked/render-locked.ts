import { BlockReader, rowsBackwards } from '../../store/log-reader.ts';
import { chaptersBackwards } from '../chapters.ts';
import { and, type Condition } from '../conditions.ts';
import type { ScriptContext } from '../context.ts';
import type { Plan } from '../plan.ts';
import { CHUNK, type ScriptBody } from '../script-body.ts';
import { Looks, type LoggedChange } from './looks.ts';
import { ofRun, type LockedRun } from './runs.ts';

/**
 * Writes the sections of a run, as a rule one. Each looks at all of its rows before it changes the first, so that the log is read twice, one reading
 * a section ahead of the other: memory is what the looks of one section take, whatever the run holds.
 */
export async function* renderLocked(context: ScriptContext, plan: Plan, run: LockedRun, body: ScriptBody): AsyncGenerator<Buffer> {
  const where = and(plan.where, ofRun(run));
  const ahead = changesOf(context, plan, where);
  const behind = changesOf(context, plan, where);
  const looks = new Looks(plan, body.out);
  try {
    for (let next = await ahead.next(); next.done !== true;) {
      body.lock(run.tables);
      looks.begin();
      let taken = 0;
      for (; next.done !== true && looks.takes(next.value); taken++) {
        looks.write(next.value);
        next = await ahead.next();
        if (body.out.length >= CHUNK) yield body.take();
      }
      body.looked(looks.count);
      for (; taken > 0; taken--) {
        const change = await behind.next();
        if (change.done === true) break;
        body.write(change.value.chapter, change.value.logged);
        if (body.out.length >= CHUNK) yield body.take();
      }
      body.unlock();
      context.signal?.throwIfAborted();
    }
  } finally {
    await ahead.return(undefined);
    await behind.return(undefined);
  }
}

async function* changesOf({ connection, ledger }: ScriptContext, { range }: Plan, where: Condition): AsyncGenerator<LoggedChange, undefined> {
  const blocks = new BlockReader(connection, ledger, range.source.id);
  for await (const chapter of chaptersBackwards(connection, ledger, range.source.id, where)) {
    const wanted = new Set(chapter.operations.map(({ seq }) => seq));
    for await (const logged of rowsBackwards(blocks, chapter.transaction)) if (wanted.has(logged.record.operation)) yield { chapter, logged };
  }
  return undefined;
}
