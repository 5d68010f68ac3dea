import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { freePort } from '../../deploy/provision/index.ts';
import { startAdmin, type Admin, type AdminOptions } from '../../src/admin/index.ts';
import { ERRORS, UndoError } from '../../src/core/errors.ts';
import { createLogger } from '../../src/core/log.ts';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, query } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

/** An API whose ledger cannot be reached: what is asked of the parameters is answered all the same. */
async function withoutLedger(token: string | null, run: (url: string) => Promise<void>): Promise<void> {
  const options: AdminOptions = {
    settings: { host: '127.0.0.1', port: 0, token: () => token, tokensFile: null, tls: null, maxScripts: 4 }, version: '0.0.0', log: createLogger('silent'),
    open: () => Promise.reject(new UndoError('BACKUP_UNREACHABLE', 'The backup server is not there.')),
  };
  const admin: Admin = await startAdmin(options);
  try {
    await run(`http://127.0.0.1:${admin.port}`);
  } finally {
    await admin.close();
  }
}

interface Told { type: string; title: string; status: number; code: string; detail: string; fix: string }

async function problem(response: Response, status: number, code: string): Promise<Told> {
  assert.equal(response.status, status);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const told = await response.json() as Told;
  assert.equal(told.status, status);
  assert.equal(told.code, code);
  for (const field of [told.type, told.title, told.detail, told.fix]) assert.ok(field.length > 0);
  return told;
}

describe('the HTTP API', () => {
  it('answers every failure with problem+json', () => withoutLedger(null, async (url) => {
    await problem(await fetch(`${url}/v1/nothing`), 404, 'NOT_FOUND');
    const wrong = await fetch(`${url}/v1/status`, { method: 'DELETE' });
    assert.equal(wrong.headers.get('allow'), 'GET');
    await problem(wrong, 405, 'METHOD_NOT_ALLOWED');
    await problem(await fetch(`${url}/v1/script?tabel=a.b`), 400, 'USAGE');
    await problem(await fetch(`${url}/v1/script?table=a.b`), 503, 'BACKUP_UNREACHABLE');
    await problem(await fetch(`${url}/readyz`), 503, 'BACKUP_UNREACHABLE');
    const post = (body: string, type = 'application/json'): Promise<Response> => fetch(`${url}/v1/script`, { method: 'POST', body, headers: { 'content-type': type } });
    await problem(await post('{'), 400, 'BODY_INVALID');
    await problem(await post('[]'), 400, 'USAGE');
    await problem(await post('{"table":{"a":1}}'), 400, 'USAGE');
    await problem(await post('<a/>', 'text/xml'), 415, 'BODY_INVALID');
    await problem(await post(JSON.stringify({ table: 'x'.repeat(2_000_000) })), 413, 'BODY_INVALID');
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    assert.equal(((await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string }).openapi, '3.1.0');
  }));

  it('asks for the token, except at the addresses of supervisors', () => withoutLedger('s3cret', async (url) => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic s3cret' }, { authorization: 'Bearer' }] as Record<string, string>[]) {
      for (const path of ['/v1/status', '/v1/script?opid=1', '/v1/nothing']) {
        const told = await problem(await fetch(url + path, { headers }), 401, 'UNAUTHORIZED');
        assert.doesNotMatch(JSON.stringify(told), /s3cret/);
      }
    }
    await problem(await fetch(`${url}/v1/status`, { headers: { authorization: 'Bearer s3cret' } }), 503, 'BACKUP_UNREACHABLE');
    for (const path of ['/livez', '/openapi.json']) assert.equal((await fetch(url + path)).status, 200);
  }));

  it('never falls over, whatever is sent', () => withoutLedger(null, async (url) => {
    const path = fc.constantFrom('/v1/script', '/v1/plan', '/v1/operations', '/v1/gaps', '/v1/status', '/v1/../etc/passwd', '/v1/script/%00', '/%');
    const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom('table', 'start_position', 'wait', 'a.b', '1', '__proto__', 'constructor'));
    await fc.assert(fc.asyncProperty(path, fc.array(fc.tuple(part, part), { maxLength: 4 }), fc.option(fc.json()), async (where, parameters, body) => {
      const search = new URLSearchParams(parameters);
      const response = await fetch(`${url}${where}?${search.toString()}`, body === null ? {} : { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      const told = await response.json() as Told;
      assert.ok(response.status >= 400 && (response.status < 500 || response.status === 503), `${response.status}`);
      assert.equal(told.status, response.status);
      assert.ok(told.code in ERRORS || ['NOT_FOUND', 'METHOD_NOT_ALLOWED', 'BODY_INVALID'].includes(told.code), told.code);
    }), { numRuns: 100 });
  }));

  it('refuses an address that is taken', () => withoutLedger(null, async (url) => {
    const options: AdminOptions = { settings: { host: '127.0.0.1', port: Number(new URL(url).port), token: () => null, tokensFile: null, tls: null, maxScripts: 4 }, version: '0', log: createLogger('silent'), open: () => Promise.reject(new Error('never')) };
    await assert.rejects(startAdmin(options), (error) => error instanceof UndoError && error.code === 'CONFIG_INVALID');
  }));

  it('serves a running daemon\'s log: the same script as the command line, plans, operations, status', async () => {
    await using scene = await Scene.open(source('mysql'), backup('mariadb'));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using daemon = await scene.startDaemon({ BINLOG_UNDO_ADMIN_PORT: String(port), BINLOG_UNDO_ADMIN_TOKEN: 'tok' });
    const headers = { authorization: 'Bearer tok' };
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1), (2, 2)');
    const start = formatPosition(await scene.position());
    await scene.db.query('UPDATE t SET n = n * 10');
    const parameters = { source: scene.alias, start_position: start, table: [`${scene.schema}.t`] };
    const posted = await fetch(`${url}/v1/script`, { method: 'POST', body: JSON.stringify(parameters), headers: { ...headers, 'content-type': 'application/json' } });
    assert.equal(posted.status, 200);
    assert.match(posted.headers.get('content-type') ?? '', /^text\/sql/);
    assert.equal(posted.headers.get('x-binlog-undo-operations'), '1');
    const text = await posted.text();
    const statements = (script: string): string[] => script.split('\n').filter((line) => /^(UPDATE|INSERT|DELETE)/.test(line)).map((line) => line.replace(/ \/\*!.*?\*\//, ''));
    const stdout = (await scene.cli('script', '--source', scene.alias, '--start-position', start, '--table', `${scene.schema}.t`)).stdout;
    assert.deepEqual(statements(text), statements(stdout));
    assert.equal(statements(text).length, 1);

    const plan = await (await fetch(`${url}/v1/plan?start_position=${start}&database=${scene.schema}`, { headers })).json() as { operations: number; tables: { updated: number; key: string }[]; newest: { sql: string; threadId: number; rows: number }[] };
    assert.equal(plan.operations, 1);
    assert.deepEqual(plan.newest.map(({ sql, threadId, rows }) => ({ sql, threadId, rows })), [{ sql: 'UPDATE t SET n = n * 10', threadId: scene.db.threadId, rows: 2 }]);
    assert.deepEqual(plan.tables.map(({ updated, key }) => ({ updated, key })), [{ updated: 2, key: 'PRIMARY' }]);
    const found = await (await fetch(`${url}/v1/operations?limit=1&text=N%20*%2010`, { headers })).json() as { operations: { sql: string; script: string }[]; next: string | null };
    assert.match(found.operations[0]?.sql ?? '', /^UPDATE t SET n = n \* 10$/);
    assert.match(found.operations[0]?.script ?? '', /^binlog-undo script --source /);
    const status = await (await fetch(`${url}/v1/status`, { headers })).json() as { sources: { source: string; running: boolean; openGaps: number }[] };
    assert.deepEqual(status.sources.map(({ source: alias, running, openGaps }) => ({ alias, running, openGaps })), [{ alias: scene.alias, running: true, openGaps: 0 }]);
    assert.deepEqual(await (await fetch(`${url}/v1/gaps`, { headers })).json(), { source: scene.alias, gaps: [] });
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    await problem(await fetch(`${url}/v1/script?table=${scene.schema}.nowhere`, { headers }), 404, 'TABLE_UNKNOWN');
    await problem(await fetch(`${url}/v1/script?start_datetime=2026-11-20%2014:00:00`, { headers }), 400, 'DATETIME_INVALID');
    await problem(await fetch(`${url}/v1/script`, { headers }), 400, 'USAGE');

    assert.equal((await scene.apply(text)).status, 0);
    assert.deepEqual(await query(scene.db, 'SELECT * FROM t'), [{ id: 1, n: 1 }, { id: 2, n: 2 }]);
    const history = await (await fetch(`${url}/v1/scripts?limit=2`, { headers })).json() as { scripts: Record<string, unknown>[]; next: string };
    assert.equal(history.scripts.length, 2);
    const recorded = await (await fetch(`${url}/v1/scripts/${posted.headers.get('x-binlog-undo-script') ?? ''}`, { headers })).json() as Record<string, unknown>;
    assert.deepEqual(
      { kind: recorded.kind, state: recorded.state, source: recorded.source, operations: recorded.operations, rows: recorded.rows, statements: recorded.statements, bytes: recorded.bytes },
      { kind: 'script', state: 'complete', source: scene.alias, operations: 1, rows: 2, statements: 1, bytes: Buffer.byteLength(text) });
    await problem(await fetch(`${url}/v1/scripts/nothere`, { headers }), 404, 'SCRIPT_UNKNOWN');
    await problem(await fetch(`${url}/v1/scripts/nothere/cancel`, { headers, method: 'POST' }), 404, 'SCRIPT_UNKNOWN');
    assert.equal((await fetch(`${url}/v1/scripts/nothere/cancel`, { headers })).status, 405);
    await daemon.stop();
  });
});
