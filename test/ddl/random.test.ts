import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVER_KINDS, startServer, type RunningServer } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import type { PlanReport } from '../../src/script/index.ts';
import { meet, nothingMissing } from '../support/catching-up.ts';
import type { Daemon } from '../support/daemon.ts';
import { Scene } from '../support/scene.ts';
import { backup } from '../support/servers.ts';
import { Dice } from './support/dice.ts';
import { Turmoil, type TableState } from './support/turmoil.ts';

const STATEMENTS = Number(process.env.DDL_STATEMENTS ?? 80);
// The short form walks the same way every time, so that a red run means a change; a soak looks for new ones.
const SEED = Number(process.env.DDL_SEED ?? (process.env.DDL_STATEMENTS === undefined ? 20261130 : Math.floor(Math.random() * 1_000_000_000)));
const TABLES = 6;
/** The least that the servers can log about columns. */
const LEAST = { mysql: 'MINIMAL', mariadb: 'NO_LOG' } as const;

/** The daemon is away while rows and tables change, and catches up over everything; the whole of it is taken back. */
for (const kind of SERVER_KINDS) describe(`random DDL among random rows on ${kind}`, () => {
  const flavour = kind.startsWith('mysql') ? 'mysql' : 'mariadb';
  let source: RunningServer;

  before(async () => {
    source = await startServer(kind, { bufferPoolMiB: 32 });
  });
  after(() => source.stop());

  /** Nothing is missing where DDL can be run again. */
  async function everythingKnown(scene: Scene, daemon: Daemon): Promise<void> {
    await nothingMissing(scene, daemon);
    const unknown = (await scene.operations()).filter(({ ddl, state }) => Number(ddl) === 0 && state !== 'captured');
    assert.deepEqual(unknown.map(({ table_name, statement, state }) => `${String(table_name)} ${String(state)} ${String(statement)}`), []);
  }

  async function undoneBy(scene: Scene, start: string, stop: string, ...allow: string[]): Promise<string> {
    const script = await scene.cli('script', '--database', scene.schema, '--start-position', start, '--stop-position', stop, '--allow', 'nonatomic', ...allow);
    assert.equal(script.status, 0, script.stderr.slice(0, 4000));
    const run = await scene.apply(script.stdout);
    assert.equal(run.status, 0, `${run.stderr.slice(0, 2000)}\n${aroundLine(script.stdout, Number(/at line (\d+)/.exec(run.stderr)?.[1] ?? 0))}`);
    return script.stdout;
  }

  for (const metadata of flavour === 'mysql' ? ['FULL', 'MINIMAL'] : ['FULL', 'MINIMAL', 'NO_LOG']) it(`comes back, with ${metadata} metadata, ${STATEMENTS} statements, seed ${SEED}`, async (context) => {
    await using scene = await Scene.open(source, backup(flavour));
    await scene.db.query(`SET GLOBAL binlog_row_metadata = '${metadata}'`);
    const turmoil = new Turmoil(scene, new Dice(SEED + metadata.length));
    await turmoil.tables(TABLES);
    await meet(scene);
    const was = await turmoil.state();
    const start = formatPosition(await scene.position());
    await turmoil.rage(STATEMENTS, false);
    const stop = formatPosition(await scene.position());
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    await everythingKnown(scene, daemon);
    await undoneBy(scene, start, stop);
    same(was, await turmoil.state());
    await scene.caughtUp();
    await daemon.stop();
    context.diagnostic(`${turmoil.counts.ddl} DDL, ${turmoil.counts.changes} changes of rows, ${turmoil.counts.refused} refused by the server`);
  });

  it(`comes back statement by statement from the backup tables, seed ${SEED}`, async (context) => {
    await using scene = await Scene.open(source, backup(flavour));
    const turmoil = new Turmoil(scene, new Dice(SEED + 1));
    await turmoil.tables(3);
    await meet(scene);
    await using daemon = await scene.startDaemon();
    for (let i = 0; i < STATEMENTS / 4; i++) {
      const was = await definitions(turmoil);
      const known = (await scene.operations()).length;
      const altered = await turmoil.alter();
      if (altered === null) continue;
      await scene.caughtUp();
      const [made, ...more] = (await scene.operations()).slice(known);
      assert.deepEqual(more, [], altered.sql);
      if (made?.state === 'no-effect') {
        assert.deepEqual(await definitions(turmoil), was, altered.sql);
        continue;
      }
      assert.equal(made?.state, 'captured', altered.sql);
      const session = await scene.session();
      await session.query("USE information_schema; SET SESSION sql_mode = 'STRICT_ALL_TABLES'");
      const undo = await scene.rollback(String(made.opid));
      await session.query(undo).catch((error: unknown) => { throw new Error(`${altered.sql}\n${undo}`, { cause: error }); });
      await session.end();
      assert.deepEqual(await definitions(turmoil), was, `${altered.sql}\n${undo}`);
      // The next one goes on from what was undone, and is met like any other.
      await scene.caughtUp();
    }
    await daemon.stop();
    context.diagnostic(`${turmoil.counts.ddl} ALTER TABLE, ${turmoil.counts.refused} refused by the server`);
  });

  it(`is told in full where it took data away, seed ${SEED}`, async () => {
    await using scene = await Scene.open(source, backup(flavour));
    await scene.db.query(`SET GLOBAL binlog_row_metadata = '${LEAST[flavour]}'`);
    const turmoil = new Turmoil(scene, new Dice(SEED));
    await turmoil.tables(TABLES);
    await meet(scene);
    const start = formatPosition(await scene.position());
    await turmoil.rage(STATEMENTS, true);
    const stop = formatPosition(await scene.position());
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    await everythingKnown(scene, daemon);
    const written = new Map<string, number>();
    for (const { table_name: table, ddl, inserted, updated, deleted } of await scene.operations()) {
      if (Number(ddl) === 0) written.set(String(table), (written.get(String(table)) ?? 0) + Number(inserted) + Number(updated) + Number(deleted));
    }
    for (const [table, changes] of written) assert.equal((await scene.undoneRows(table)).length, changes, `${table}: each change of a row has its undo`);
    const { findings } = await scene.json<PlanReport>('plan', '--database', scene.schema, '--start-position', start, '--stop-position', stop, '--allow', 'nonatomic');
    const told = findings.map(({ message }) => message).join('\n');
    for (const [table, statement] of turmoil.lost) assert.match(told, new RegExp(`\\.${table} at `), `${statement}\n${told}`);
    await daemon.stop();
  });

  it(`leaves gaps for single tables where no server can run DDL again, seed ${SEED}`, async () => {
    await using scene = await Scene.open(source, backup(flavour === 'mysql' ? 'mariadb' : 'mysql'));
    await scene.db.query(`SET GLOBAL binlog_row_metadata = '${LEAST[flavour]}'`);
    const turmoil = new Turmoil(scene, new Dice(SEED));
    await turmoil.tables(TABLES);
    await meet(scene);
    await turmoil.rage(STATEMENTS, true);
    await using daemon = await scene.startDaemon();
    await scene.caughtUp();
    const rows = (await scene.operations()).filter(({ ddl }) => Number(ddl) === 0);
    const gaps = await scene.gaps();
    assert.deepEqual(new Set(rows.map(({ state }) => state)), new Set(['captured', 'definition-unknown']));
    for (const { ordinal, table_name: table, state } of rows) {
      const own = gaps.filter((gap) => Number(gap.ordinal) === Number(ordinal) && gap.table_name === table && gap.reason === 'definition-unknown');
      assert.equal(own.length > 0, state !== 'captured', `${String(table)} at ${String(ordinal)} is ${String(state)}`);
    }
    assert.deepEqual(gaps.filter(({ table_name: table }) => table === null), []);
    await daemon.stop();
  });
});

/** What SHOW CREATE TABLE prints of every table, byte by byte but for the counter. */
async function definitions(turmoil: Turmoil): Promise<string[]> {
  return [...await turmoil.state()].map(([name, { definition }]) => `${name}: ${definition}`);
}

function same(expected: ReadonlyMap<string, TableState>, found: ReadonlyMap<string, TableState>): void {
  assert.deepEqual([...found.keys()], [...expected.keys()]);
  for (const [name, state] of expected) assert.deepEqual(found.get(name), state, name);
}

/** The part of a script in which it stopped. */
function aroundLine(script: string, line: number): string {
  const lines = script.split('\n').slice(Math.max(0, line - 25), line);
  return lines.map((text) => text.slice(0, 300)).join('\n');
}
