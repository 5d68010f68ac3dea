import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { quoteName } from '../../src/core/identifiers.ts';
import type { ScriptHistory, ScriptRecord } from '../../src/script/index.ts';
import { freePort } from '../../deploy/provision/index.ts';
import { Scene } from '../support/scene.ts';
import { backup, connect, source, uniqueSchema } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** Rows whose script is larger than what sockets hold between a writer and a reader that does not read. */
const ROWS = 120_000;

async function open(url: string): Promise<IncomingMessage> {
  const [response] = await once(get(url), 'response') as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  return response;
}

for (const [from, to] of [['mysql', 'mariadb'], ['mariadb', 'mysql']] as const) {
  describe(`the history of scripts of a ${from} source on ${to}`, () => {
    it('tells who asked for what, how far it is and how it ended', async () => {
      await using scene = await Scene.open(source(from), backup(to));
      const port = await freePort();
      await using _daemon = await scene.startDaemon({ BINLOG_UNDO_ADMIN_PORT: String(port) });
      const url = `http://127.0.0.1:${port}/v1`;
      await scene.db.query(`CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(100)); INSERT INTO t VALUES (1, 'a')`);
      await scene.db.query(`CREATE TABLE big (id INT PRIMARY KEY, v CHAR(60)); SET SESSION cte_max_recursion_depth=${ROWS}`).catch(() => scene.db.query(`SET SESSION max_recursive_iterations=${ROWS}`));
      await scene.db.query(`INSERT INTO big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, REPEAT('x', 60) FROM n`);
      await scene.caughtUp({ projected: false });
      const list = (...args: string[]): Promise<ScriptHistory> => scene.json('scripts', ...args);
      const one = async (id: string): Promise<ScriptRecord> => await (await fetch(`${url}/scripts/${id}`)).json() as ScriptRecord;

      // From the command line: a plan, a script, and one that is refused.
      assert.equal((await scene.cli('plan', '--source', scene.alias, '--table', `${scene.schema}.t`)).status, 0);
      const made = await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.t`);
      const [, id = ''] = /rollback script ([0-9a-f]{16})/.exec(made.stdout) ?? [];
      assert.equal((await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.nowhere`)).status, 2);
      const { scripts: listed, next } = await list('--limit', '3');
      assert.equal(listed.length, 3);
      const [refused, script, plan] = listed as [ScriptRecord, ScriptRecord, ScriptRecord];
      assert.equal(next, null);
      assert.deepEqual([plan.kind, plan.state, plan.operations], ['plan', 'complete', 1]);
      assert.deepEqual([script.id, script.kind, script.state, script.statements, script.bytes], [id, 'script', 'complete', 1, Buffer.byteLength(made.stdout)]);
      assert.deepEqual(script.tables, [{ table: `${scene.schema}.t`, inserted: 1, updated: 0, deleted: 0 }]);
      assert.match(script.client, /^command line on /);
      assert.match(script.asked, new RegExp(`^source=${scene.alias} table=${scene.schema}\\.t guard=changed`));
      assert.deepEqual([refused.state, refused.source], ['error', null]);
      assert.match(refused.error ?? '', /^TABLE_UNKNOWN: /);
      assert.equal((await list('--limit', '1')).next, refused.id);
      assert.equal((await list('--before', script.id)).scripts.length, 1);
      assert.equal((await scene.cli('scripts', '--id', 'nothing')).status, 2);

      // While it is being written: cancelled by another process; what came so far has no COMMIT.
      const running = await open(`${url}/script?database=${scene.schema}`);
      const cancelled = String(running.headers['x-binlog-undo-script']);
      let text = '';
      running.on('data', (piece: Buffer) => { text += piece.toString('latin1'); });
      running.on('error', () => undefined);
      running.pause();
      await until('the script is running', async () => (await one(cancelled)).state !== 'complete');
      assert.equal((await scene.cli('scripts', '--cancel', cancelled)).status, 0);
      // Writers look for it once a second.
      await sleep(1500);
      const closed = new Promise<void>((resolve) => { running.once('close', resolve); });
      running.resume();
      await closed;
      assert.equal(running.complete, false);
      assert.ok(!text.includes("'COMMIT'"));
      await until('it is noted', async () => (await one(cancelled)).state === 'cancelled');

      // A reader that goes away.
      const left = await open(`${url}/script?database=${scene.schema}`);
      left.destroy();
      await until('that it went away is noted', async () => (await one(String(left.headers['x-binlog-undo-script']))).state === 'cancelled');
      assert.match((await scene.cli('scripts', '--source', scene.alias)).stdout, /script cancelled[\s\S]*The reader went away before the end/);
    });

    it('is left out for an account that may only read, which gets its script all the same', async () => {
      await using scene = await Scene.open(source(from), backup(to));
      await using _daemon = await scene.startDaemon();
      await scene.db.query("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)");
      await scene.caughtUp();
      const reader = uniqueSchema('reader').slice(0, 30);
      const admin = await connect(backup(to));
      try {
        await admin.query(`CREATE USER ${quoteName(reader)}@'%' IDENTIFIED BY 'only-read-1'`);
        await admin.query(`GRANT SELECT ON ${quoteName(scene.ledger)}.* TO ${quoteName(reader)}@'%'`);
        const made = await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.t`, '--backup-user', reader, '--backup-password', 'only-read-1');
        assert.equal(made.status, 0, made.stderr);
        assert.match(made.stdout, /DELETE/);
        assert.match(made.stderr, /not in the history of scripts/);
        assert.deepEqual(await scene.ledgerRows('SELECT id FROM scripts'), []);
      } finally {
        await admin.query(`DROP USER ${quoteName(reader)}@'%'`);
        await admin.end();
      }
    });
  });
}
