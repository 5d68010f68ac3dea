import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FaultProxy } from '../support/proxy.ts';
import { Scene } from '../support/scene.ts';
import { backup, sources, type SharedServer } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** @returns false when the small transaction was written before anything of the large one had come: then they share no block. */
async function purgeBesideOpenTransaction(server: SharedServer): Promise<boolean> {
  await using scene = await Scene.open(server, backup(server.flavour));
  await using proxy = await FaultProxy.open(server);
  await scene.db.query('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(600))');
  const first = await scene.startDaemon();
  await scene.caughtUp();
  await first.stop();
  // Back to back, so that one block holds the small one and the begin of the large one.
  await scene.db.query("INSERT INTO t (v) VALUES ('small')");
  await scene.db.query(`INSERT INTO t (v) SELECT RPAD(a.n, 500, b.n) FROM (${numbers(200)}) a, (${numbers(200)}) b`);
  proxy.fault = { kind: 'drip', bytes: 200_000 };
  await using daemon = await scene.startDaemon({ BINLOG_UNDO_SOURCE_HOST: proxy.host, BINLOG_UNDO_SOURCE_PORT: String(proxy.port) });
  await until('the small transaction is in the log, and blocks of the large one are written ahead', async () => {
    const [found] = await scene.ledgerRows(`SELECT (SELECT MAX(last_block) FROM transactions) AS named, (SELECT MAX(block) FROM blocks) AS written,
      (SELECT COUNT(*) FROM cursors c JOIN checkpoints k ON c.ordinal = k.next_ordinal) AS delivered`);
    return found!.named !== null && Number(found!.written) > Number(found!.named) && Number(found!.delivered) === 1;
  });
  // Its end does not come before the purge is over; the stream is not silent.
  proxy.fault = { kind: 'drip', bytes: 1 };
  const [shared] = await scene.ledgerRows(`SELECT k.block AS block, k.to_ordinal >= (SELECT next_ordinal FROM checkpoints) AS holds_both
    FROM block_keys k WHERE k.block = (SELECT MAX(last_block) FROM transactions)`);
  if (Number(shared!.holds_both) === 0) return false;
  const purged = await scene.json<{ transactions: number }>('purge', '--before', '2099-01-01 00:00:00');
  assert.equal(purged.transactions, 1);
  const left = await scene.ledgerRows('SELECT block FROM blocks WHERE block = ?', [Number(shared!.block)]);
  assert.equal(left.length > 0, true, 'the block that both share is there');
  proxy.fault = { kind: 'none' };
  await scene.caughtUp();
  const verified = await scene.cli('verify', '--wait', '300');
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  assert.match(verified.stdout, /: 1 transactions, 1 operations, 40000 row changes/);
  await daemon.stop();
  return true;
}

for (const server of sources()) {
  it(`${server.kind}: a purge of everything leaves the block in which a transaction begins that is still being read`, async () => {
    for (let tries = 0; !await purgeBesideOpenTransaction(server); tries++) assert.ok(tries < 5, 'the transactions shared no block');
  });
}

/** A query of the numbers 1 to `count`. */
function numbers(count: number): string {
  return `WITH RECURSIVE counted AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM counted WHERE n < ${count}) SELECT n FROM counted`;
}
