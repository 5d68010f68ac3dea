import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { formatPosition } from '../../src/core/position.ts';
import { parseExposition } from '../metrics/prometheus.ts';
import type { Daemon } from '../support/daemon.ts';
import { Scene } from '../support/scene.ts';
import { backup, source, type SharedServer } from '../support/servers.ts';
import { until } from '../support/until.ts';

interface Sample {
  readonly operations: number;
  readonly looks: number;
  readonly different: number;
  readonly changedSince: number;
  readonly locked: number;
  readonly leftOut: readonly { readonly table: string; readonly why: string }[];
  readonly differences: readonly { readonly kind: string; readonly what: string; readonly opid: string }[];
}

const PAIRS: readonly (readonly [SharedServer, SharedServer])[] = [[source('mysql'), backup('mariadb')], [source('mariadb'), backup('mysql')]];

for (const [server, store] of PAIRS) describe(`verify --sample ${server.kind} on ${store.kind}`, () => {
  let scene: Scene;
  let daemon: Daemon;

  before(async () => {
    scene = await Scene.open(server, store);
    daemon = await scene.startDaemon();
  });
  after(async () => {
    await daemon.stop();
    await scene[Symbol.asyncDispose]();
  });

  /** The log may be behind: others write to this server as well. */
  async function sample(status: number, ...args: string[]): Promise<Sample> {
    const done = await scene.cli('verify', '--json', '--sample-only', '--wait', '300', ...args);
    assert.equal(done.status, status, done.stderr + done.stdout);
    return (JSON.parse(done.stdout) as { sample: Sample }).sample;
  }

  /** Changes that the binlog does not hold. */
  async function behindTheLog(sql: string): Promise<void> {
    const session = await scene.session();
    await session.query(`SET SESSION sql_log_bin = 0; ${sql}`);
    await session.end();
  }

  it('finds rows as their newest change left them, whatever happened to them, and says what it cannot compare', async () => {
    await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT, code VARBINARY(20), d DOUBLE, at TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), UNIQUE KEY by_code (code)) ENGINE=InnoDB;
      CREATE TABLE words (w VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE bare (a INT, b INT) ENGINE=InnoDB;
      CREATE TABLE altered (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB; CREATE TABLE emptied (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE gone (id INT PRIMARY KEY) ENGINE=InnoDB;
      CREATE TABLE child (id INT PRIMARY KEY, t_id INT, FOREIGN KEY (t_id) REFERENCES t (id) ON DELETE CASCADE) ENGINE=InnoDB`);
    await scene.db.query(`INSERT INTO t (id, v, code, d) VALUES (1, REPEAT('x', 200000), 'a', 1e-3), (2, 'two', 'b', -0.0), (3, NULL, 'c', NULL), (4, 'four', 'd', 4), (9, 'nine', 'i', 9);
      INSERT INTO child VALUES (1, 1), (2, 9); INSERT INTO words VALUES ('Émile', 1), ('emil', 2); INSERT INTO bare VALUES (1, 1); INSERT INTO altered VALUES (1, 'one'); INSERT INTO emptied VALUES (1); INSERT INTO gone VALUES (1)`);
    // A key that was used again, unique values that went from row to row, a key that only its collation takes for the one before.
    await scene.db.query(`UPDATE t SET v = 'changed' WHERE id < 3; DELETE FROM t WHERE id IN (3, 9); INSERT INTO t (id, v, code) VALUES (3, 'again', 'z'); UPDATE t SET code = 'c' WHERE id = 4;
      UPDATE t SET id = 5 WHERE id = 4; INSERT INTO t (id, v, code) VALUES (4, 'new', 'd'); DELETE FROM words WHERE w = 'emil'; INSERT INTO words VALUES ('émil', 3);
      BEGIN; UPDATE t SET d = 7; ROLLBACK; UPDATE altered SET v = 'x'; ALTER TABLE altered MODIFY v VARCHAR(2) NOT NULL DEFAULT ''; UPDATE altered SET v = 'ok'; TRUNCATE TABLE emptied; DROP TABLE gone`);
    await scene.caughtUp();
    const all = await sample(0);
    assert.deepEqual(all.differences, []);
    assert.deepEqual([all.different, all.locked], [0, 0]);
    assert.ok(all.looks >= 10 && all.operations >= 11, JSON.stringify(all));
    const why = new Map(all.leftOut.map((left) => [left.table.replace(`${scene.schema}.`, ''), left.why]));
    assert.match(why.get('bare') ?? '', /no key/);
    assert.match(why.get('altered') ?? '', /changed the table/);
    assert.ok(why.has('emptied') && why.has('gone'));
    // What a foreign key does to children is in the binlog of MySQL since 9.6.
    assert.equal(why.has('child'), server.flavour === 'mariadb', why.get('child'));
    const few = await sample(0, '--sample', '2');
    assert.equal(few.operations, 2);
    const both = await scene.cli('verify', '--sample', '50', '--wait', '300');
    assert.equal(both.status, 0, both.stderr);
    assert.match(both.stdout, /^Compared .*\nLooked \d+ times .*\n(not all of .*\n)+The log is equal to the binlog and the rows looked at\.\n$/);
  });

  it('reports rows that were changed, removed or made behind the log, until they are as they were', async () => {
    await behindTheLog("UPDATE t SET v = CONCAT(v, ' ') WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO t (id, v, code) VALUES (9, 'back', 'q')");
    const file = join(tmpdir(), `${scene.schema}.prom`);
    const found = await sample(1, '--metrics-file', file);
    assert.deepEqual(found.differences.map(({ kind, what }) => `${kind} ${what.replace(`${scene.schema}.`, '')}`).sort(), [
      'live t id=1: the row is gone or was changed', 'live t id=2: the row is gone or was changed', 'live t id=9: its primary key is taken',
    ]);
    const opids = new Set((await scene.operations()).map(({ opid }) => String(opid)));
    for (const { opid } of found.differences) assert.ok(opids.has(opid), opid);
    const metrics = parseExposition(await readFile(file, 'utf8'));
    assert.deepEqual(metrics.get('binlog_undo_verify_differences')?.map(({ labels, value }) => [labels.source, labels.kind, value]), [[scene.alias, 'live', 3]]);
    assert.equal(metrics.get('binlog_undo_verify_compared')?.find(({ labels }) => labels.what === 'looks')?.value, found.looks);
    assert.ok((metrics.get('binlog_undo_verify_timestamp_seconds')?.[0]?.value ?? 0) > 1_700_000_000);
    const told = await scene.cli('verify', '--sample-only', '--wait', '300');
    assert.equal(told.status, 1);
    assert.match(told.stdout, /^live: .* id=1: the row is gone or was changed$/m);
    assert.match(told.stdout, /Differences: 3 live rows\.\n$/);
    // Only the newest operations are sampled: none of these rows is among them.
    assert.equal((await sample(0, '--sample', '1')).different, 0);
    // What the log itself tells of a row counts from then on.
    await scene.db.query("UPDATE t SET v = 'logged' WHERE id = 1; DELETE FROM t WHERE id = 9; INSERT INTO t (id, v, code) VALUES (2, 'two', 'b')");
    await scene.caughtUp();
    assert.equal((await sample(0)).different, 0);
  });

  it('takes rows that were changed since for what they are, and says when it cannot tell', async () => {
    const stop = formatPosition(await scene.position());
    await scene.caughtUp();
    process.kill(daemon.pid, 'SIGSTOP');
    const holder = await scene.session();
    try {
      await scene.db.query("UPDATE t SET v = 'later' WHERE id = 1");
      // The log does not have it yet, and cannot get it: nothing is reported.
      const refused = await scene.cli('verify', '--sample-only', '--stop-position', stop, '--wait', '0');
      assert.equal(refused.status, 3, refused.stderr + refused.stdout);
      assert.match(refused.stderr, /NOT_COVERED/);
      // The row is held, so that the second look waits; the daemon goes on while it does.
      await holder.query("BEGIN; UPDATE t SET d = 1 WHERE id = 1");
      const verifying = sample(0, '--stop-position', stop);
      const waits = async (): Promise<boolean> => {
        const [found] = await scene.db.query("SELECT COUNT(*) AS n FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE ?", [`%${scene.schema}%`]);
        return Number((found as { n: number | string }[])[0]!.n) > 0;
      };
      let ended = false;
      void verifying.finally(() => (ended = true)).catch(() => undefined);
      await until('the second look waits for the row', async () => ended || await waits());
      process.kill(daemon.pid, 'SIGCONT');
      await holder.query('COMMIT');
      const found = await verifying;
      // On a machine that stands still the wait for the lock may have ended first.
      assert.deepEqual([found.different, found.changedSince + found.locked], [0, 1]);
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
      await holder.end();
    }
  });

  it('has no false alarm while the rows are being changed', async () => {
    const writer = await scene.session();
    const done = new AbortController();
    const writing = (async () => {
      for (let n = 0; !done.signal.aborted; n++) {
        await writer.query(`UPDATE t SET d = ${n}, v = 'w${n}' WHERE id = ${1 + (n % 5)}; DELETE FROM t WHERE id = 7; INSERT INTO t (id, v, code) VALUES (7, 'n${n}', 'n')`);
        // Enough for a row to change between any two looks; what the log holds of it is gone through each time.
        await pause(2);
      }
    })();
    try {
      for (let i = 0; i < 3; i++) assert.deepEqual((await sample(0)).differences, []);
    } finally {
      done.abort();
      await writing;
      await writer.end();
    }
  });

  it('refuses what makes no sense, and a file that cannot be written', async () => {
    for (const args of [['--sample', '0'], ['--sample', 'many'], ['--sample', '1', '--sample', '2'], ['--sample-only', '--metrics-file', '/nowhere/at/all']]) {
      const refused = await scene.cli('verify', ...args);
      assert.equal(refused.status, 2, refused.stderr);
      assert.match(refused.stderr, /USAGE/);
    }
  });
});
