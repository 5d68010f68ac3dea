import assert from 'node:assert/strict';
import type { RunningServer } from '../../../deploy/provision/index.ts';
import { quoteName } from '../../../src/core/identifiers.ts';
import { formatPosition } from '../../../src/core/position.ts';
import { ask } from '../../faults/support/world.ts';
import { Daemon, runCli } from '../../support/daemon.ts';
import { applyWithClient } from '../../support/scene.ts';
import type { Camp } from './camp.ts';
import { caughtUp, inLedger, query, type Capture } from './capture.ts';
import { RESTORED } from './load.ts';
import type { Projected } from './projected.ts';
import type { KeyTotal, LogChanges } from './row-changes.ts';

const OPERATIONS_AT_ONCE = 5000;
const restored = (name: string): boolean => RESTORED.some((table) => name.startsWith(`${table} `));

/** Every transaction with every value in the order of commits; and every row change in the backup tables. */
export function sameChanges(alias: string, expected: LogChanges, found: LogChanges, projected: Projected): void {
  const most = Math.max(expected.transactions.length, found.transactions.length);
  for (let i = 0; i < most; i++) assert.deepEqual(found.transactions[i], expected.transactions[i], `${alias}: transaction ${i + 1} with row changes`);
  const text = (totals: ReadonlyMap<string, KeyTotal>): string[] => [...totals].filter(([name]) => restored(name)).map(([name, total]) => `${name}: ${total.toString()}`).sort();
  assert.ok(text(expected.totals).length >= RESTORED.length + 2, `the load changed too little: ${text(expected.totals).join('; ')}`);
  assert.deepEqual(text(found.totals), text(expected.totals), `${alias}: the log`);
  assert.deepEqual(text(projected.totals), text(expected.totals), `${alias}: the backup tables`);
}

/** Captures the same binlog once more with nobody in the way. */
export async function captureOnce(camp: Camp, backup: RunningServer, { ledger, alias }: Capture): Promise<void> {
  await using daemon = await Daemon.start(camp.straight(backup, { BINLOG_UNDO_LEDGER: ledger, BINLOG_UNDO_SOURCE_ALIAS: alias }));
  await caughtUp(camp, backup, { ledger, alias });
  await daemon.stop();
}

/** Operations one by one, and what they became in the backup tables. @returns the number of operations */
export async function sameCapture(backup: RunningServer, one: Capture, other: Capture, projected: readonly [Projected, Projected]): Promise<number> {
  let seen = 0;
  for (let from = 1; ; from += OPERATIONS_AT_ONCE) {
    const [found, expected] = await Promise.all([operations(backup, one, from), operations(backup, other, from)]);
    assert.deepEqual(found, expected, `${one.alias}: operations of the transactions from ${from} on`);
    seen += found.length;
    if (found.length === 0) break;
  }
  const [counted] = await inLedger(backup, one.ledger, (connection) => query(connection,
    'SELECT COUNT(*) AS operations, COUNT(DISTINCT opid) AS opids FROM operations o JOIN sources s ON s.id = o.source_id WHERE s.alias = ?', [one.alias]));
  assert.deepEqual([Number(counted?.operations), Number(counted?.opids)], [seen, seen], `${one.alias}: opids`);
  const [ours, theirs] = projected.map(({ operations: digests, information }) => ({
    digests, information: information.filter((row) => restored(row.slice(row.indexOf(' ') + 1))),
  }));
  assert.deepEqual(ours!.information, theirs!.information, `${one.alias}: information rows`);
  for (const row of ours!.information) {
    const [opid] = row.split(' ', 1);
    assert.equal(ours!.digests.get(opid!), theirs!.digests.get(opid!), `${one.alias}: rollback statements of ${row}`);
  }
  return seen;
}

async function operations(backup: RunningServer, { ledger, alias }: Capture, from: number): Promise<string[]> {
  const found = await inLedger(backup, ledger, (connection) => query(connection,
    // Whether a table that DDL has taken away could still be read is a matter of time: its state is not compared.
    `SELECT CONCAT_WS(' ', o.ordinal, o.seq, o.opid, o.table_name, o.type, o.ddl, o.inserted, o.updated, o.deleted, IF(o.table_name IN ('churn', 'passing'), '', o.state),
       t.gtid, t.thread_id, t.start_file, t.start_offset, t.end_file, t.end_offset, t.commit_micros, SHA2(o.statement, 256)) AS text
     FROM sources s JOIN operations o ON o.source_id = s.id JOIN transactions t ON t.source_id = o.source_id AND t.ordinal = o.ordinal
     WHERE s.alias = ? AND o.ordinal >= ? AND o.ordinal < ? ORDER BY o.ordinal, o.seq`, [alias, from, from + OPERATIONS_AT_ONCE]));
  return found.map(({ text }) => String(text));
}

/** Rows of a table that was dropped before anybody could read its definition are all that may be missing. */
export async function onlyGapsOfDdl(backup: RunningServer, { ledger, alias }: Capture): Promise<void> {
  const gaps = await inLedger(backup, ledger, (connection) => query(connection,
    `SELECT g.reason, g.table_name, g.detail FROM gaps g JOIN sources s ON s.id = g.source_id WHERE s.alias = ?
     AND NOT (g.reason = 'definition-unknown' AND g.table_name IN ('churn', 'passing')) LIMIT 5`, [alias]));
  assert.deepEqual(gaps, [], `${alias}: gaps`);
}

/** CHECKSUM TABLE of the tables that the undo must restore. */
export async function fingerprint(source: RunningServer, schema: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const table of RESTORED) {
    const [row] = await ask(source, `CHECKSUM TABLE ${quoteName(schema)}.${quoteName(table)}`);
    found[table] = String(row?.Checksum);
  }
  return found;
}

/** Takes the whole window back with one script and the stock client. */
export async function undone(camp: Camp, backup: RunningServer, ledger: string): Promise<void> {
  const tables = RESTORED.flatMap((table) => ['--table', `${camp.schema}.${table}`]);
  const script = await runCli(['script', '--source', camp.alias, '--start-position', formatPosition(camp.start), ...tables, '--wait', '100'], camp.straight(backup, { BINLOG_UNDO_LEDGER: ledger }));
  assert.equal(script.status, 0, script.stderr.slice(-2000));
  const applied = await applyWithClient(camp.source, script.stdout);
  assert.equal(applied.status, 0, applied.stderr.slice(-2000));
}
