import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVER_KINDS, startServer } from '../../deploy/provision/index.ts';
import { ask, using } from '../faults/support/world.ts';
import { uniqueSchema } from '../support/servers.ts';
import { readBinlogText } from './support/binlog-text.ts';
import { Camps } from './support/camp.ts';
import { caughtUp, inLedger } from './support/capture.ts';
import { readLedgerText } from './support/ledger-text.ts';
import { projectedOf } from './support/projected.ts';
import { Random } from './support/random.ts';
import { besiege, type SiegeSize } from './support/siege.ts';
import { captureOnce, fingerprint, onlyGapsOfDdl, sameCapture, sameChanges, undone } from './support/verdict.ts';

const LONG = process.env.CHAOS_KILLS !== undefined;
const KILLS = Number(process.env.CHAOS_KILLS ?? 20);
const SEED = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000_000));
const SIZE: SiegeSize = { daemonKills: KILLS, backupKills: LONG ? Math.ceil(KILLS / 20) : 2, lineFaults: LONG ? Math.ceil(KILLS / 2) : 10 };
/** The script and the independent reading take their time with each row of the large ones. */
const LARGE_EVERY_MS = 120_000;
const LEDGER = 'chaos';
const CALM = 'chaos_calm';

test(`three sources of two flavours on one backup server: ${SIZE.daemonKills} kills of daemons, ${SIZE.backupKills} of the backup server, ${SIZE.lineFaults} line faults; seed ${SEED}`, async (context) => {
  const began = Date.now();
  const tell = (what: string): void => context.diagnostic(`${((Date.now() - began) / 1000).toFixed(0)} s: ${what}`);
  const random = new Random(SEED);
  await using backup = await startServer(random.pick(['mysql-9.7', 'mariadb-11.8']), { bufferPoolMiB: 256 });
  await using first = await startServer(SERVER_KINDS[0]!);
  await using second = await startServer(SERVER_KINDS[1]!);
  await using third = await startServer(SERVER_KINDS[2]!);
  const sources = [first, second, third];
  const schema = uniqueSchema('chaos');
  await using camps = await Camps.open(sources, backup, schema, LEDGER, random);
  const before = await Promise.all(sources.map((source) => fingerprint(source, schema)));
  tell(`servers and tables stand; backup server ${backup.kind}`);

  for (const camp of camps.all) camp.begin();
  for (const { load } of camps.all) load.start(LARGE_EVERY_MS);
  await besiege(camps.all, backup, SIZE, random);
  tell('all blows have fallen');
  await Promise.all(camps.all.map(({ load }) => load.stop()));
  await Promise.all(camps.all.map((camp) => camp.calm()));
  await Promise.all(camps.all.map(async (camp) => {
    await caughtUp(camp, backup, { ledger: LEDGER, alias: camp.alias });
    await camp.end();
  }));
  tell('caught up');
  for (const { alias, kills, restarts, ends } of camps.all) {
    tell(`${alias}: ${kills} kills, ${restarts} ends by itself at a start; sessions ended: ${[...ends].map(([code, times]) => `${code} ${times}`).join(', ') || 'none'}`);
  }
  for (const camp of camps.all) assert.equal(camp.failure, null);

  const verdicts = await Promise.allSettled(camps.all.map(async (camp, i) => {
    const { source, alias } = camp;
    await ask(source, 'FLUSH BINARY LOGS');
    const ours = { ledger: LEDGER, alias };
    const calm = { ledger: CALM, alias: `${alias}_calm` };
    const [expected] = await Promise.all([readBinlogText(source, schema, camp.start), captureOnce(camp, backup, calm)]);
    const found = await using(backup, (connection) => readLedgerText(connection, LEDGER, alias));
    const projected = [await projectedOf(backup, ours), await projectedOf(backup, calm)] as const;
    sameChanges(alias, expected, found, projected[0]);
    const operations = await sameCapture(backup, ours, calm, projected);
    await onlyGapsOfDdl(backup, ours);
    tell(`${alias}: ${expected.transactions.length} transactions, ${operations} operations, ${[...expected.totals].map(([name, total]) => `${name} ${total.count}`).join(', ')}`);
    assert.notDeepEqual(await fingerprint(source, schema), before[i]);
    tell(`${alias}: compared`);
    await undone(camp, backup, LEDGER);
    assert.deepEqual(await fingerprint(source, schema), before[i], `${alias}: the tables after the undo`);
    tell(`${alias}: undone`);
  }));
  // All of them first: the servers must not go while one is still at work.
  for (const verdict of verdicts) if (verdict.status === 'rejected') throw verdict.reason;
  assert.deepEqual(await inLedger(backup, LEDGER, async (connection) => (await connection.query('SELECT xid FROM prepared'))[0]), []);
});
