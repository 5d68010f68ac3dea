import type { ScriptContext } from './context.ts';
import { BlockReader, rowsBackwards } from '../store/log-reader.ts';
import { chaptersBackwards } from './chapters.ts';
import { headComments, preamble } from './head.ts';
import { renderLocked } from './locked/render-locked.ts';
import { stretches } from './locked/runs.ts';
import type { Plan } from './plan.ts';
import { CHUNK, ScriptBody } from './script-body.ts';
import { NOTHING_WRITTEN, type ScriptSummary } from './script-summary.ts';

/**
 * The script's bytes, in pieces, as fast as they are taken: transactions in reverse commit order, their rows events in
 * reverse, one block of row images in memory at a time. The COMMIT comes last: a script cut short cannot be committed.
 * @param watch gets the counts, which grow while the pieces are taken.
 * @throws UndoError in the middle when rows cannot be rendered: the consumer must not end the output as if it were whole.
 */
export async function* renderScript(context: ScriptContext, plan: Plan, watch: (counts: ScriptSummary) => void = () => undefined): AsyncGenerator<Buffer, ScriptSummary> {
  yield Buffer.from(headComments(plan, context.version));
  if (plan.totals.operations === 0) return NOTHING_WRITTEN;
  yield Buffer.from(preamble(plan));
  const body = new ScriptBody(plan);
  watch(body);
  const { connection, ledger } = context;
  const { source } = plan.range;
  const blocks = new BlockReader(connection, ledger, source.id);
  for await (const stretch of stretches(plan, chaptersBackwards(connection, ledger, source.id, plan.where))) {
    if (stretch.kind === 'locked') {
      yield* renderLocked(context, plan, stretch, body);
      continue;
    }
    const { chapter } = stretch;
    body.open(chapter);
    const wanted = new Set(chapter.operations.map(({ seq }) => seq));
    // DDL may stand in one transaction with rows: those of CREATE TABLE .. SELECT come behind it.
    const ddl = chapter.operations.filter((operation) => operation.ddl).map(({ seq }) => seq);
    if (wanted.size > ddl.length) {
      for await (const logged of rowsBackwards(blocks, chapter.transaction)) {
        const { operation } = logged.record;
        while (ddl.length > 0 && ddl[0]! > operation) body.ddl(chapter, ddl.shift()!);
        if (!wanted.has(operation)) continue;
        body.write(chapter, logged);
        if (body.out.length >= CHUNK) yield body.take();
      }
    }
    for (const seq of ddl) body.ddl(chapter, seq);
    context.signal?.throwIfAborted();
    if (body.out.length >= CHUNK) yield body.take();
  }
  body.close();
  yield body.take();
  return body;
}
