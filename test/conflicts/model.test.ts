import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { openConnection, type ServerEndpoint } from '../../src/core/mysql.ts';
import { UndoError } from '../../src/core/errors.ts';
import { CLI_DIALECT, openPlan, openScript, type ScriptContext } from '../../src/script/index.ts';
import { Ledger } from '../../src/store/ledger.ts';
import { Scene, query } from '../support/scene.ts';
import { backups, sources, type SharedServer } from '../support/servers.ts';
import { historySql, makeHistory, PART, random, type History, type TableId, type Values } from './support/history.ts';
import { cascaded, hasConflict, placed, undoneState, withoutConflicts, type Placed } from './support/model.ts';

/** On each server; `npm run test:soak` asks for more. */
const HISTORIES = Number(process.env.CONFLICT_HISTORIES ?? 340);
/** The unique key of p, and how many of these are over it: whole texts, and the begins of texts. */
const KEYS = [{ key: 'u', part: null, histories: Math.ceil(HISTORIES / 2) }, { key: `u(${PART})`, part: PART, histories: Math.floor(HISTORIES / 2) }] as const;
const SEED = Number(process.env.CONFLICT_SEED ?? 20261129);
const MODES = ['nocascade', 'cascade', 'nonconflict-only', 'nocascade-force'] as const;

const endpoint = (role: ServerEndpoint['role'], server: SharedServer): ServerEndpoint => ({
  role, host: server.host, port: server.port, user: server.user, password: () => server.password, tls: null,
});

/** Histories that one script undoes; and how many of them are forced one by one. */
const TOGETHER = 17;
const ALONE = 4;

interface Case {
  readonly history: History;
  readonly all: readonly Placed[];
  readonly selected: ReadonlySet<Placed>;
  readonly conflict: boolean;
  readonly told: string;
  readonly opids: readonly string[];
}

/** The bytes of a script, or the refusal. */
async function scriptOf(context: ScriptContext, opids: readonly string[], mode: string): Promise<string | UndoError> {
  try {
    const { bytes } = await openScript(context, { opid: opids, mode }, CLI_DIALECT);
    const pieces: Buffer[] = [];
    for await (const piece of bytes) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  } catch (error) {
    if (error instanceof UndoError) return error;
    throw error;
  }
}

/** @returns whether the script committed. */
async function run(session: Connection, text: string): Promise<boolean> {
  try {
    await session.query(text);
    return true;
  } catch {
    await session.query('ROLLBACK');
    return false;
  }
}

const COLUMNS: Readonly<Record<TableId, string>> = { p: 'id, u, v', c: 'id, pid', k: 'h, n, v' };

/** The rows of histories from the first to the last of these, by history. */
async function statesOf(session: Connection, some: readonly Case[]): Promise<Map<number, Record<TableId, string[]>>> {
  const numbers = some.map(({ history }) => history.number);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const states = new Map(numbers.map((number) => [number, { p: [] as string[], c: [] as string[], k: [] as string[] }]));
  for (const table of ['p', 'c', 'k'] as const) {
    const where = table === 'k' ? `h BETWEEN ${low} AND ${high}` : `id BETWEEN ${low * 10} AND ${high * 10 + 9}`;
    for (const row of await query(session, `SELECT ${COLUMNS[table]} FROM ${table} WHERE ${where}`)) {
      states.get(table === 'k' ? Number(row.h) : Math.floor(Number(row.id) / 10))?.[table].push(JSON.stringify(Object.values(row)));
    }
  }
  for (const state of states.values()) for (const list of Object.values(state)) list.sort();
  return states;
}

const stateText = (state: Readonly<Record<TableId, readonly Values[]>>): Record<TableId, string[]> => {
  const of = (table: TableId): string[] => state[table].map((row) => JSON.stringify(COLUMNS[table].split(', ').map((column) => row[column]))).sort();
  return { p: of('p'), c: of('c'), k: of('k') };
};

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  describe(`conflicts on ${source.kind}`, () => {
    for (const [kind, { key, part, histories: count }] of KEYS.entries()) it(`are those of the model in ${count} random histories over UNIQUE (${key}), and what is undone leaves the model's state`, { timeout: 3_600_000 }, async (t) => {
      await using scene = await Scene.open(source, backup);
      await using daemon = await scene.startDaemon({ BINLOG_UNDO_PROJECTION_ENABLED: 'false' });
      await scene.db.query(`CREATE TABLE p (id INT PRIMARY KEY, u VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, v INT, UNIQUE KEY (${key})) ENGINE=InnoDB;
        CREATE TABLE c (id INT PRIMARY KEY, pid INT, FOREIGN KEY (pid) REFERENCES p (id)) ENGINE=InnoDB; CREATE TABLE k (h INT, n INT, v INT, KEY (h)) ENGINE=InnoDB`);
      const seed = SEED + KEYS.length * index + kind;
      const pick = random(seed);
      const histories = Array.from({ length: count }, (_, i) => makeHistory(i + 1, pick, part));
      for (const history of histories) await scene.db.query(historySql(history));
      await scene.caughtUp({ projected: false });
      const operations = await scene.ledgerRows('SELECT opid FROM operations WHERE ddl = 0 ORDER BY ordinal, seq');
      assert.equal(operations.length, histories.reduce((sum, { steps }) => sum + steps.length, 0), `seed ${seed}: one operation for each statement`);
      const connection = await openConnection(endpoint('backup', backup));
      const context: ScriptContext = {
        connection, ledger: new Ledger(scene.ledger), requester: { name: 'test', client: 'test' }, version: 'test',
        live: { alias: scene.alias, endpoint: endpoint('source', source), prove: () => Promise.reject(new Error('opids need no proof')) },
      };
      const session = await scene.session();
      const seen: Record<string, number> = {};
      const cases: Case[] = [];
      let first = 0;
      for (const history of histories) {
        const opids = history.steps.map((_, i) => String(operations[first + i]!.opid));
        first += history.steps.length;
        const chance = 1 + pick(3);
        const steps = history.steps.flatMap((_, step) => (pick(4) < chance ? [step] : []));
        if (steps.length === 0) steps.push(pick(history.steps.length));
        const all = placed(history);
        const selected = new Set(all.filter(({ step }) => steps.includes(step)));
        const conflict = hasConflict(all, selected);
        const told = `seed ${seed}, history ${history.number}, selected ${steps.join(' ')}:\n${history.steps.map((step, i) => `${i} [${step.transaction}] ${step.sql}`).join('\n')}\n`;
        cases.push({ history, all, selected, conflict, told, opids: steps.map((step) => opids[step]!) });
      }
      /** One script for several histories, whose rows never meet: what holds of it has to hold of each. */
      const check = async (some: readonly Case[], mode: string, undone: (one: Case) => ReadonlySet<Placed>): Promise<void> => {
        if (some.length === 0) return;
        for (const { conflict } of some) seen[`${mode} ${conflict ? 'conflict' : 'free'}`] = (seen[`${mode} ${conflict ? 'conflict' : 'free'}`] ?? 0) + 1;
        const text = await scriptOf(context, some.flatMap(({ opids }) => opids), mode);
        assert.ok(typeof text === 'string', `${some.map(({ told }) => told).join('\n')}${mode}: ${text instanceof UndoError ? text.oneLine() : ''}`);
        const expected = some.map((one) => {
          const state = undoneState(one.history, undone(one));
          // Without conflict every step of the undo is possible, or the definition of a conflict is wrong.
          assert.ok(state !== null || mode === 'nocascade-force', `${one.told}mode ${mode}: the model cannot undo it`);
          return state;
        });
        const commits = expected.every((state) => state !== null);
        assert.equal(await run(session, text), commits, `${some.map(({ told }) => told).join('\n')}mode ${mode}\n${text}`);
        const states = await statesOf(session, some);
        for (const [i, { history, told }] of some.entries()) {
          assert.deepEqual(states.get(history.number), stateText(commits ? expected[i]! : history.end), `${told}mode ${mode}\n${text}`);
        }
      };
      for (let at = 0, turn = 0; at < cases.length; at += TOGETHER, turn++) {
        const some = cases.slice(at, at + TOGETHER);
        switch (MODES[turn % MODES.length]!) {
          case 'cascade': { await check(some, 'cascade', ({ history, all, selected }) => cascaded(history, all, selected)); break; }
          case 'nonconflict-only': { await check(some, 'nonconflict-only', ({ all, selected }) => withoutConflicts(all, selected)); break; }
          case 'nocascade': {
            const refusal = await scriptOf(context, some.flatMap(({ opids }) => opids), 'nocascade');
            assert.equal(refusal instanceof UndoError ? refusal.code : 'made', some.some(({ conflict }) => conflict) ? 'CONFLICT' : 'made');
            const plan = await openPlan(context, { opid: some.flatMap(({ opids }) => opids), mode: 'nocascade' }, CLI_DIALECT);
            const named = new Set(plan.conflicts.listed.map(({ undone }) => undone.opid));
            for (const { told, opids, conflict } of some) assert.equal(opids.some((opid) => named.has(opid)), conflict, `${told}is ${conflict ? '' : 'not '}in conflict`);
            seen['nocascade conflict'] = (seen['nocascade conflict'] ?? 0) + some.filter(({ conflict }) => conflict).length;
            await check(some.filter(({ conflict }) => !conflict), 'nocascade', ({ selected }) => selected);
            break;
          }
          case 'nocascade-force':
            // One that cannot be undone makes a script fail as a whole.
            { for (const one of some.slice(0, ALONE)) await check([one], 'nocascade-force', ({ selected }) => selected);
            await check(some.slice(ALONE).filter((one) => undoneState(one.history, one.selected) !== null), 'nocascade-force', ({ selected }) => selected); }
        }
      }
      for (const mode of MODES) for (const what of ['conflict', 'free']) assert.ok((seen[`${mode} ${what}`] ?? 0) > 0, `${mode} ${what} was tried ${seen[`${mode} ${what}`] ?? 0} times`);
      t.diagnostic(JSON.stringify(seen));
      connection.destroy();
      await session.end();
      assert.equal(daemon.running, true);
    });
  });
});
