/**
 * Finding one accident in a long log, the first byte of its script, and a script of very many rows.
 *   npm run build && npx tsx bench/script.ts [operations in the log] [rows of the long script] [mysql|mariadb, the backup server]
 * The log is filled by SQL: transactions of one operation without rows, around the real ones. Ask for an idle machine, or go by processor time.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../src/config/load.ts';
import { OpenEngine } from '../src/cli/engine.ts';
import { CLI_DIALECT, findOperations, openScript, type RawParameters } from '../src/script/index.ts';
import { Scene } from '../test/support/scene.ts';
import { backup, source } from '../test/support/servers.ts';

const OPERATIONS = Number(process.argv[2] ?? 5_000_000);
const ROWS = Number(process.argv[3] ?? 1_000_000);
const FLAVOUR = process.argv[4] === 'mysql' ? 'mysql' : 'mariadb';
const CLI = join(import.meta.dirname, '../dist/cli/main.js');
/** USER_HZ of Linux. */
const TICKS = 100;
const TIMES = 5;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function fill(scene: Scene): Promise<void> {
  await scene.log.query(`USE ${scene.ledger}`);
  const [last] = await scene.ledgerRows('SELECT MAX(ordinal) AS ordinal FROM transactions');
  const first = Number(last?.ordinal) + 1;
  await scene.log.query('CREATE TEMPORARY TABLE ten (d INT PRIMARY KEY)');
  await scene.log.query('INSERT INTO ten VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)');
  await scene.log.query('CREATE TABLE filler (n INT PRIMARY KEY)');
  for (let at = 0; at < 100_000; at += 10_000) for (let from = at; from < at + 10_000; from += 1000) await scene.log.query('INSERT INTO filler VALUES ?', [Array.from({ length: 1000 }, (_, i) => [from + i])]);
  const [edge] = await scene.ledgerRows('SELECT * FROM transactions ORDER BY ordinal DESC LIMIT 1');
  for (let done = 0; done < OPERATIONS; done += 100_000) {
    const ordinal = `${first} + ${done} + f.n`;
    const bytes = `${Number(edge?.end_offset)} + (${done} + f.n) * 400`;
    const micros = `${Number(edge?.commit_micros)} + (${done} + f.n) * 1000`;
    await scene.log.query(`INSERT INTO transactions (source_id, ordinal, incarnation_id, gtid, start_file, start_number, start_offset, end_file, end_number, end_offset, commit_micros, stated_seconds, thread_id, server_id, tag,
        operation_count, first_block, last_block, rows_file)
      SELECT 1, ${ordinal}, ${String(edge?.incarnation_id)}, CONCAT('07485aa2-e536-11f1-b3c4-02fc00000001:', ${done} + f.n + 1), '${String(edge?.start_file)}', ${String(edge?.start_number)}, ${bytes}, '${String(edge?.start_file)}',
        ${String(edge?.start_number)}, ${bytes} + 400, ${micros}, 1795183500, (${done} + f.n) MOD 500 + 1000, 1, 0, 1, NULL, NULL, NULL FROM filler f`);
    await scene.log.query(`INSERT INTO operations (source_id, ordinal, seq, opid, schema_name, table_name, type, ddl, seconds, inserted, updated, deleted, statement, statement_bytes, statement_charset, state)
      SELECT 1, ${ordinal}, 1, CONCAT('1795183500_', (${done} + f.n) MOD 500 + 1000, '_9', ${done} + f.n), '${scene.schema}', CONCAT('t', f.n MOD 200), 'UPDATE', 0, 1795183500, 0, 1, 0, 'update t set n = n + 1 where id = 5', 35, 45, 'captured' FROM filler f`);
  }
  await scene.log.query(`UPDATE checkpoints SET next_ordinal = ${first + OPERATIONS}, file_offset = ${Number(edge?.end_offset) + OPERATIONS * 400}, commit_micros = ${Number(edge?.commit_micros) + OPERATIONS * 1000}`);
  await scene.log.query('ANALYZE TABLE transactions, operations');
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

await using scene = await Scene.open(source('mysql'), backup(FLAVOUR), { env: { BINLOG_UNDO_PROJECTION_ENABLED: 'false' } });
const daemon = await scene.startDaemon();
await scene.db.query(`CREATE TABLE big (id INT PRIMARY KEY, k INT, v VARCHAR(60)) ENGINE=InnoDB; SET SESSION cte_max_recursion_depth = ${ROWS}`);
await scene.db.query(`INSERT INTO big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, i MOD 97, CONCAT('row number ', i, ' of some words') FROM n`);
await scene.db.query('CREATE TABLE small (id INT PRIMARY KEY, n INT); INSERT INTO small VALUES (1, 1)');
await scene.db.query('UPDATE small SET n = 2');
await scene.db.query('UPDATE big SET k = k + 1');
await scene.caughtUp({ projected: false });
await daemon.stop();
const operations = await scene.operations();
const accident = operations.find(({ table_name, type }) => table_name === 'small' && type === 'UPDATE')!;
const long = operations.find(({ table_name, type }) => table_name === 'big' && type === 'UPDATE')!;
say(`log of ${OPERATIONS} operations on ${scene.backup.kind}`);
await fill(scene);

const config = loadConfig({ env: scene.env, needs: ['backup'] });
async function timed(what: string, most: number | null, act: (engine: OpenEngine) => Promise<void>): Promise<void> {
  const [clock, cpu]: [number[], number[]] = [[], []];
  for (let i = 0; i < TIMES; i++) {
    // With the connection, as a request of the API has it.
    const since = performance.now();
    const used = process.cpuUsage();
    await using engine = await OpenEngine.open(config, AbortSignal.timeout(600_000));
    await act(engine);
    clock.push(performance.now() - since);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1000);
  }
  say(`${what}: ${median(clock).toFixed(0)} ms${most === null ? '' : ` (most ${most})`}, of which our own processor time ${median(cpu).toFixed(0)} ms`);
}
const find = (raw: RawParameters) => async (engine: OpenEngine): Promise<void> => {
  if ((await findOperations(engine.context, raw, CLI_DIALECT)).operations.length === 0) throw new Error(`nothing found: ${JSON.stringify(raw)}`);
};
const firstByte = (raw: RawParameters) => async (engine: OpenEngine): Promise<void> => {
  // Without the look at later changes, whose cost is that of the log behind the selection.
  const { bytes } = await openScript(engine.context, { mode: 'nocascade-force', ...raw }, CLI_DIALECT);
  if ((await bytes.next()).done === true) throw new Error('no script');
  await bytes.return({ statements: 0, rows: 0, largestStatement: 0 });
};
await timed('find, newest 20', 100, find({}));
await timed('find by opid', 100, find({ opid: String(accident.opid) }));
await timed('find by table', 100, find({ table: `${scene.schema}.small` }));
await timed('find by session', 100, find({ thread_id: '1007' }));
await timed('find by GTID', 100, find({ include_gtids: String(accident.gtid) }));
await timed('find by text through the whole log', null, find({ text: 'UPDATE small SET n = 2', look: String(OPERATIONS + 10_000) }));
await timed('first byte of a script by opid', 100, firstByte({ opid: String(accident.opid) }));
await timed('first byte of a script by GTID', 100, firstByte({ include_gtids: String(accident.gtid), stop_position: `${String(accident.end_file)}:${String(accident.end_offset)}` }));
await timed('first byte of a script by positions', 100, firstByte({
  start_position: `${String(accident.start_file)}:${String(accident.start_offset)}`, stop_position: `${String(accident.end_file)}:${String(accident.end_offset)}`,
}));
await timed('first byte of the long script by opid', 100, firstByte({ opid: String(long.opid) }));

const child = spawn(process.execPath, [CLI, 'script', '--mode', 'nocascade-force', '--opid', String(long.opid)], { env: { ...process.env, ...scene.env }, stdio: ['ignore', 'pipe', 'inherit'] });
let [bytes, peak, cpu] = [0, 0, 0];
const began = performance.now();
child.stdout.on('data', (piece: Buffer) => {
  bytes += piece.length;
  peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'latin1'))?.[1] ?? peak);
  const fields = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
  cpu = (Number(fields[11]) + Number(fields[12])) / TICKS;
});
await new Promise((resolve) => { child.once('close', resolve); });
const seconds = (performance.now() - began) / 1000;
say(`script of ${ROWS} rows: ${(bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s of the clock, ${cpu.toFixed(1)} s of its processor time: `
  + `${Math.round(ROWS / seconds)} and ${Math.round(ROWS / cpu)} statements/s (least 500000), peak ${(peak / 1024).toFixed(0)} MiB (most 256)`);
process.exit(0);
