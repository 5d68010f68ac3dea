import assert from 'node:assert/strict';
import { it } from 'node:test';
import { freePort } from '../../deploy/provision/index.ts';
import { Daemon, runCli, serverEnvironment } from '../support/daemon.ts';
import { Scene, query } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

it('serve answers for every source of a ledger, with no daemon, no source and at first no ledger', async () => {
  const [first, ...others] = sources();
  await using one = await Scene.open(first!, backup('mysql'), { env: { BINLOG_UNDO_PROJECTION_ENABLED: 'false' } });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment = { ...serverEnvironment('BACKUP', one.backup), BINLOG_UNDO_LEDGER: one.ledger, BINLOG_UNDO_ADMIN_PORT: String(port), BINLOG_UNDO_ADMIN_TOKEN: 'tok' };
  await using serving = Daemon.spawn(environment, 'serve');
  await serving.logged('admin_listening');
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  const early = await fetch(`${url}/readyz`);
  assert.deepEqual([early.ok, ((await early.json()) as { code: string }).code], [false, 'LEDGER_MISSING']);

  const scenes = [one];
  for (const server of others) scenes.push(await Scene.open(server, one.backup, { ledger: one.ledger, env: { BINLOG_UNDO_PROJECTION_ENABLED: 'false' } }));
  for (const scene of scenes) {
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1), (2, 2)');
    await using daemon = await scene.startDaemon();
    // A slow machine would stop it before it knows the table.
    await daemon.logged('definitions_read');
    await scene.db.query('UPDATE t SET n = n * 10');
    await scene.caughtUp({ projected: false });
    await daemon.stop();
  }

  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  const headers = { authorization: 'Bearer tok' };
  const status = await (await fetch(`${url}/v1/status`, { headers })).json() as { sources: { source: string; running: boolean }[] };
  assert.deepEqual(status.sources.map(({ source, running }) => `${source} ${running}`).sort(), scenes.map(({ alias }) => `${alias} false`).sort());
  assert.equal((await fetch(`${url}/v1/status`)).status, 401);
  for (const scene of scenes) {
    const script = await fetch(`${url}/v1/script?source=${scene.alias}&table=${scene.schema}.t`, { headers });
    const text = await script.text();
    assert.equal(script.status, 200, text);
    const applied = await scene.apply(text);
    assert.equal(applied.status, 0, applied.stderr);
    assert.deepEqual(await query(scene.db, 'SELECT * FROM t ORDER BY id'), [{ id: 1, n: 1 }, { id: 2, n: 2 }], scene.source.kind);
  }
  for (const scene of scenes.slice(1)) await scene[Symbol.asyncDispose]();
  await serving.stop();

  const closed = await runCli(['serve'], { ...environment, BINLOG_UNDO_ADMIN_PORT: '0' });
  assert.equal(closed.status, 2);
  assert.match(closed.stderr, /CONFIG_INVALID: admin\.port is 0/);
});
