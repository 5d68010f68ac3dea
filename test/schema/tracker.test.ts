import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { classifyQuery } from '../../src/binlog/sql/classify.ts';
import type { TableMap } from '../../src/binlog/types.ts';
import { resolveDefinition } from '../../src/rollback/resolve-definition.ts';
import type { DefinitionChange } from '../../src/schema/definition-change.ts';
import type { DdlEvent, ReplayableDdl } from '../../src/schema/ddl-event.ts';
import type { TableDefinition } from '../../src/schema/definition.ts';
import type { DdlServer, ReplayOutcome } from '../../src/schema/ddl-server.ts';
import type { DefinitionReading } from '../../src/schema/tracked.ts';
import type { AdoptedDefinitions } from '../../src/schema/tracker-options.ts';
import { DefinitionTracker } from '../../src/schema/tracker.ts';

/*
 * A source whose table changes at known places, read by a tracker that runs behind it, at moments that the test chooses.
 * Whatever the order of events, rows must never be read with a definition that was not in force at their place, and once
 * all has been said no question may stay open. With a server that runs DDL again, no rows behind the first proven definition
 * may be without one, restarts included.
 */

const FILE = 'binlog.000001';
const position = (offset: number) => ({ file: FILE, offset });
const MAP: TableMap = { tableId: 1, schema: 's', table: 't', columns: [], primaryKey: null, metadata: 'minimal' };

function ddlAt(offset: number): DdlEvent {
  const sql = 'ALTER TABLE t FORCE';
  const query = classifyQuery(sql, { schema: 's', sqlMode: 0, flavour: 'mysql' });
  return { statement: query.kind === 'ddl' ? query.statement : assert.fail(query.kind), schema: 's', at: position(offset), replayable: { sql, schema: 's' } as ReplayableDdl };
}

/** A definition whose only content is its version: null when the table does not exist in that version. */
const definitionOf = (version: number, vanishes: boolean): TableDefinition | null =>
  (vanishes && version % 4 === 3 ? null : { schema: 's', table: 't', columns: [], transactional: true, sql: String(version) } as unknown as TableDefinition);

interface Entry { from: number; read: number; until: number | null; proven: boolean; ddl: boolean; definition: TableDefinition | null }

/** What the statements of definition-sql.ts do, in memory. */
function apply(entries: Entry[], change: DefinitionChange): void {
  const current = entries.filter((entry) => entry.until === null);
  const fresh = { until: null, proven: false, ddl: false, definition: null };
  switch (change.kind) {
    case 'seen': entries.push({ ...fresh, from: change.from.offset, read: change.from.offset }); return;
    case 'seeded': entries.push({ ...fresh, from: change.from.offset, read: change.readAt.offset, definition: change.definition as TableDefinition }); return;
    case 'replaying': entries.push({ ...fresh, from: change.from.offset, read: change.from.offset, ddl: true }); return;
    case 'read':
      for (const entry of current) if (!entry.proven) Object.assign(entry, { read: change.readAt.offset, definition: change.definition });
      return;
    case 'proven': for (const entry of current) entry.proven = true; return;
    case 'moved': for (const entry of current) if (!entry.proven) entry.from = change.from.offset; return;
    case 'discarded': for (const entry of current) if (!entry.proven) Object.assign(entry, { read: entry.from, definition: null }); return;
    case 'corrected': for (const entry of current) if (entry.proven) entry.definition = change.definition as TableDefinition; return;
    case 'replayed': case 'unreplayed': {
      const made = entries.findIndex((entry) => entry.from === change.from.offset);
      if (change.kind === 'unreplayed') Object.assign(entries[made]!, { proven: false, ddl: false, definition: null });
      else if (change.definition === null) entries.splice(made, 1);
      else Object.assign(entries[made]!, { proven: true, ddl: false, definition: change.definition });
      return;
    }
    case 'superseded': for (const entry of current) if (entry.read < change.at.offset) entry.until = change.at.offset;
  }
}

/** What `definitionsInForce` does at a start from the checkpoint `at`. */
function adopted(entries: Entry[], at: number): AdoptedDefinitions {
  for (const entry of entries.filter((one) => one.until === null && !one.proven)) {
    if (entry.definition !== null && entry.read <= at) entry.proven = true;
    else Object.assign(entry, { read: entry.from, definition: null });
  }
  const current = entries.filter((entry) => entry.until === null && !entry.ddl);
  const from = (entry: Entry) => ({ schema: 's', table: 't', from: position(entry.from) });
  return {
    start: position(at),
    carried: false,
    proven: current.flatMap((entry) => (entry.proven && entry.definition ? [{ ...from(entry), definition: entry.definition }] : [])),
    unproven: current.filter((entry) => !entry.proven).map(from),
    replays: entries.filter((entry) => entry.ddl).sort((a, b) => a.from - b.from).map((entry) => ({
      event: ddlAt(entry.from), left: [{ schema: 's', table: 't', open: entry.until === null }],
      before: entries.filter((one) => one.until === entry.from).map((one) => ({ ...from(one), definition: one.proven ? one.definition : null })),
    })),
  };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 12; i++) await Promise.resolve();
};

// The history: at each offset of ten, rows or DDL. The source runs ahead of the stream by some steps.
const step = fc.record({ ddl: fc.boolean(), lead: fc.nat(4), answers: fc.nat(2), restart: fc.nat(19), refuses: fc.nat(9), seed: fc.nat(5) });

for (const replays of [false, true]) describe(`${replays ? 'with' : 'without'} a server to run DDL again`, () => void it('never reads rows with a definition of another time, and leaves no question open', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.boolean(), fc.boolean(), async (steps, vanishes, refuses) => {
    const end = (steps.length + 5) * 10;
    /** The version in force at an offset: DDL at step i ends at (i + 1) * 10 and counts from there. */
    const versionAt = (offset: number): number => steps.filter((one, i) => one.ddl && (i + 1) * 10 <= offset).length;
    let sourceAt = 0;
    let waiting: { resolve: (reading: DefinitionReading) => void; before: number }[] = [];
    let running: { resolve: (outcome: ReplayOutcome) => void; outcome: ReplayOutcome }[] = [];
    const entries: Entry[] = [];
    const read = (): Promise<DefinitionReading> => new Promise((resolve) => waiting.push({ resolve, before: sourceAt }));
    const server: DdlServer = {
      flavour: 'mysql',
      replay: ({ bases }) => new Promise((resolve) => {
        const version = Number(bases[0]?.sql) + 1;
        const refused = refuses && steps[version]?.refuses === 0;
        running.push({ resolve, outcome: refused ? { failed: 'for the test' } : { definitions: [definitionOf(version, vanishes)] } });
      }),
      defaultCollation: () => assert.fail('no schema changes here'),
      rest: () => Promise.resolve(),
    };
    const newTracker = (): DefinitionTracker => new DefinitionTracker({
      read, server: replays ? server : null, captures: () => true, capturesSchema: () => true, fits: () => true,
      changed: () => undefined, failed: (error) => assert.fail(String(error)), broken: (error) => assert.fail(String(error)),
      refused: () => undefined, differs: () => assert.fail('the replay made another definition than the source has'), onPressure: () => undefined,
    });
    let tracker = newTracker();
    tracker.adopt(adopted(entries, 0));
    const rows: number[] = [];
    const drain = (): void => {
      for (const change of tracker.drain()) apply(entries, change);
    };
    const answer = async (count: number): Promise<void> => {
      for (const { resolve, before } of waiting.splice(0, count)) {
        // The definition is that of some moment between the two positions; here the middle.
        const definition = definitionOf(versionAt(Math.floor((before + sourceAt) / 20) * 10), vanishes);
        resolve({ definition, before: position(before), after: position(sourceAt) });
      }
      for (const { resolve, outcome } of running.splice(0, count)) resolve(outcome);
      await turns();
    };
    let provenFrom = Number.POSITIVE_INFINITY;
    for (const [i, { ddl, lead, answers, restart, seed }] of steps.entries()) {
      sourceAt = Math.min(Math.max(sourceAt, (i + 1) * 10 + lead * 10), end);
      if (restart === 0) {
        drain();
        tracker.close();
        waiting = [];
        running = [];
        tracker = newTracker();
        tracker.adopt(adopted(entries, i * 10));
      }
      if (seed === 0) void tracker.seed([{ schema: 's', table: 't' }], async () => {
        const { definition, before, after } = await read();
        return { definitions: [definition], before, after };
      });
      if (ddl) tracker.changed(ddlAt((i + 1) * 10));
      else if (definitionOf(versionAt(i * 10), vanishes) !== null) {
        tracker.seen(MAP, position(i * 10 + 1));
        rows.push(i * 10 + 5);
      }
      await answer(answers);
      tracker.passed(position((i + 1) * 10));
      drain();
      // Whoever finds the rows in the log at this moment must see that their definition is known, or to come.
      if (rows.at(-1) === i * 10 + 5) assert.ok(entries.some(({ from, until }) => from <= i * 10 + 5 && until === null), `rows at ${i * 10 + 5} stand without an entry`);
      if (entries.some(({ proven, definition, until }) => proven && definition !== null && until === null)) provenFrom = Math.min(provenFrom, (i + 1) * 10);
    }
    sourceAt = end;
    for (let i = 0; i < steps.length + 5; i++) {
      await answer(waiting.length + running.length);
      tracker.passed(position(end));
      drain();
    }
    for (const offset of rows) {
      const candidates = entries.map((entry) => ({
        ...entry, until: entry.until === null ? null : {}, replaying: entry.ddl, inForce: entry.from <= offset && (entry.until === null || entry.until > offset),
      }));
      const inForce = candidates.filter((candidate) => candidate.inForce);
      assert.equal(inForce.length <= 1, true, `${inForce.length} definitions at ${offset}`);
      // The columns are empty here, so what fits is not the question: only which entry is taken.
      const verdict = resolveDefinition({ ...MAP, columns: [] }, candidates);
      assert.notEqual(verdict.kind, 'pending');
      if (verdict.kind === 'known') assert.deepEqual(verdict.definition, definitionOf(versionAt(offset), vanishes));
      if (replays && !refuses && !vanishes && offset > provenFrom) assert.equal(verdict.kind, 'known', `rows at ${offset}, proven from ${provenFrom}`);
    }
  }), { numRuns: 2000 });
}));
