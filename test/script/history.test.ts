import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { userInfo } from 'node:os';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { quoteName } from '../../src/core/identifiers.ts';
import { formatPosition } from '../../src/core/position.ts';
import type { FoundPage, PlanReport, ScriptHistory, ScriptRecord } from '../../src/script/index.ts';
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
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(100))');
      const start = formatPosition(await scene.position());
      await scene.db.query("INSERT INTO t VALUES (1, 'a')");
      await scene.db.query(`CREATE TABLE big (id INT PRIMARY KEY, v CHAR(60)); SET SESSION cte_max_recursion_depth=${ROWS}`).catch(() => scene.db.query(`SET SESSION max_recursive_iterations=${ROWS}`));
      await scene.db.query(`INSERT INTO big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, REPEAT('x', 60) FROM n`);
      await scene.caughtUp({ projected: false });
      const list = (...args: string[]): Promise<ScriptHistory> => scene.json('scripts', ...args);
      const one = async (id: string): Promise<ScriptRecord> => await (await fetch(`${url}/scripts/${id}`)).json() as ScriptRecord;

      // From the command line: a plan, a script, and one that is refused.
      const planned = await scene.cli('plan', '--source', scene.alias, '--table', `${scene.schema}.t`);
      assert.equal(planned.status, 0, planned.stderr);
      const { validityPoint } = await scene.json<PlanReport>('plan', '--source', scene.alias, '--table', `${scene.schema}.t`);
      const [inserted] = (await scene.json<FoundPage>('find', '--source', scene.alias, '--table', `${scene.schema}.t`)).operations;
      assert.deepEqual(validityPoint, { position: start, time: inserted!.time }, 'the begin of the oldest transaction undone');
      assert.ok(planned.stdout.split('\n').includes(`takes back to ${start}, just before ${inserted!.time}`), planned.stdout);
      const made = await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.t`);
      const [, id = ''] = /rollback script ([0-9a-f]{16})/.exec(made.stdout) ?? [];
      assert.equal((await scene.cli('script', '--source', scene.alias, '--table', `${scene.schema}.nowhere`)).status, 2);
      const { scripts: listed } = await list('--limit', '3');
      assert.equal(listed.length, 3);
      const [refused, script, plan] = listed as [ScriptRecord, ScriptRecord, ScriptRecord];
      assert.deepEqual([plan.kind, plan.state, plan.operations], ['plan', 'complete', 1]);
      assert.deepEqual([script.id, script.kind, script.state, script.statements, script.bytes], [id, 'script', 'complete', 1, Buffer.byteLength(made.stdout)]);
      assert.deepEqual(script.tables, [{ table: `${scene.schema}.t`, inserted: 1, updated: 0, deleted: 0 }]);
      assert.match(script.client, /^command line on /);
      assert.equal(script.requester, userInfo().username);
      assert.equal(script.source, scene.alias);
      assert.deepEqual([plan.validityPoint, script.validityPoint], [validityPoint, validityPoint]);
      assert.match(made.stdout, new RegExp(`^-- validity point: ${start.replace('.', '\\.')}; `, 'm'));
      for (const { started, touched, ended } of listed) assert.ok(started <= touched && touched <= ended!, `${started} ${touched} ${String(ended)}`);
      assert.match(script.asked, new RegExp(`^source=${scene.alias} table=${scene.schema}\\.t guard=changed`));
      assert.deepEqual([refused.state, refused.source], ['error', null]);
      assert.match(refused.error ?? '', /^TABLE_UNKNOWN: /);
      assert.equal((await list('--limit', '1')).next, refused.id);
      assert.equal((await list('--before', script.id)).scripts.length, 2);
      assert.equal((await scene.cli('scripts', '--id', 'nothing')).status, 2);

      // While it is being written: cancelled by another process; what came so far has no COMMIT.
      const running = await open(`${url}/script?database=${scene.schema}`);
      const cancelled = String(running.headers['x-binlog-undo-script']);
      let text = '';
      running.on('data', (piece: Buffer) => { text += piece.toString('latin1'); });
      running.on('error', () => undefined);
      running.pause();
      // A little is taken at a time, so that it goes on and does not end.
      await until('the script is running', async () => {
        running.read(16 * 1024);
        return (await one(cancelled)).state === 'running';
      });
      const { requester, client, asked, started, ended, tables, rows, bytes, validityPoint: back } = await one(cancelled);
      assert.deepEqual([requester, ended, rows], ['anybody (no token is set)', null, ROWS + 1]);
      assert.match(client, /^HTTP from 127\.0\.0\.1, request /);
      assert.match(asked, new RegExp(`^database=${scene.schema} guard=changed`));
      assert.deepEqual([tables.map(({ table }) => table), back?.position], [[`${scene.schema}.big`, `${scene.schema}.t`], start]);
      assert.ok(bytes! > 0 && Date.parse(started) <= Date.now());
      assert.deepEqual((await scene.json<ScriptHistory>('scripts', '--source', scene.alias, '--limit', '1')).scripts.map(({ id: shown, state }) => [shown, state]), [[cancelled, 'running']]);
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

    it('has a script that waits for the log as starting', async () => {
      await using scene = await Scene.open(source(from), backup(to));
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY)');
      const first = await scene.startDaemon();
      await scene.caughtUp();
      const start = formatPosition(await scene.position());
      await first.stop();
      await scene.db.query('INSERT INTO t VALUES (1)');
      const made = scene.cli('script', '--source', scene.alias, '--start-position', start, '--stop-position', formatPosition(await scene.position()), '--wait', '120');
      const newest = async (): Promise<ScriptRecord | undefined> => (await scene.json<ScriptHistory>('scripts')).scripts[0];
      await until('the script is starting', async () => (await newest())?.state === 'starting');
      const waiting = (await newest())!;
      assert.deepEqual([waiting.kind, waiting.source, waiting.validityPoint, waiting.operations, waiting.bytes, waiting.ended], ['script', null, null, null, null, null]);
      assert.match(waiting.asked, new RegExp(`^source=${scene.alias} start_position=${start.replace('.', '\\.')} stop_position=`));
      await using _daemon = await scene.startDaemon();
      const { status, stderr } = await made;
      assert.equal(status, 0, stderr);
      const done = (await newest())!;
      assert.deepEqual([done.id, done.started, done.state, done.validityPoint?.position, done.statements], [waiting.id, waiting.started, 'complete', start, 1]);
      assert.ok(done.ended! > done.started);
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
