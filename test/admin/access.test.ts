import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { LightMyRequestResponse } from 'fastify';
import { freePort, makeCertificates } from '../../deploy/provision/index.ts';
import { buildAdmin } from '../../src/admin/index.ts';
import { takesGzip } from '../../src/admin/send-script.ts';
import { UndoError } from '../../src/core/errors.ts';
import { createLogger } from '../../src/core/log.ts';
import { formatPosition } from '../../src/core/position.ts';
import { Scene, query } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Answer { readonly status: number; readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly body: Buffer }

function ask(url: string, tls: { ca: Buffer; cert?: Buffer; key?: Buffer }, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...tls, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece)).on('error', reject)
        .on('end', () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }); });
    });
    asked.on('error', reject).end();
  });
}

const told = ({ body }: Answer): { code: string; detail: string; requestId: string } => JSON.parse(body.toString()) as { code: string; detail: string; requestId: string };
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('who may ask for what over HTTP', () => {
  it('is said by a file of tokens, over TLS with client certificates, and stands in the history', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-access-'));
    try {
      const server = await makeCertificates(folder, 'server');
      const client = await makeCertificates(folder, 'client');
      await using scene = await Scene.open(source('mysql'), backup('mariadb'));
      const file = join(folder, 'tokens.json');
      const write = async (tokens: unknown): Promise<void> => {
        // As a mounted secret changes: another file under the name.
        await writeFile(`${file}.new`, typeof tokens === 'string' ? tokens : JSON.stringify(tokens));
        await rename(`${file}.new`, file);
      };
      const people = [
        { name: 'anna', sha256: sha256('anna-token'), access: 'script' },
        { name: 'looker', sha256: sha256('looker-token'), sources: [scene.alias], schemas: [scene.schema] },
        { name: 'elsewhere', sha256: sha256('elsewhere-token'), sources: ['other'], access: 'script' },
      ];
      await write(people);
      const port = await freePort();
      await using daemon = await scene.startDaemon({
        BINLOG_UNDO_ADMIN_PORT: String(port), BINLOG_UNDO_ADMIN_TOKENS_FILE: file, BINLOG_UNDO_ADMIN_TLS_CERT: server.cert, BINLOG_UNDO_ADMIN_TLS_KEY: server.key,
        BINLOG_UNDO_ADMIN_TLS_CLIENT_CA: client.ca,
      });
      await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO t VALUES (1, 1), (2, 2)');
      const start = formatPosition(await scene.position());
      await scene.db.query('UPDATE t SET n = n * 10');
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const ca = await readFile(server.ca);
      const mine = { ca, cert: await readFile(client.cert), key: await readFile(client.key) };
      const url = `https://127.0.0.1:${port}/v1`;
      const range = `start_position=${start}&stop_position=${stop}&database=${scene.schema}`;
      const get = (path: string, token: string, headers: Record<string, string> = {}): Promise<Answer> => ask(url + path, mine, { ...bearer(token), ...headers });

      await assert.rejects(ask(`${url}/status`, { ca }, bearer('anna-token')), 'a client without a certificate');
      assert.equal((await ask(`${url}/status`, mine, {})).status, 401);

      const script = await get(`/script?${range}`, 'anna-token', { 'x-request-id': 'night-shift-7' });
      assert.equal(script.status, 200, script.body.toString());
      assert.equal(script.headers['x-request-id'], 'night-shift-7');
      const packed = await get(`/script?${range}`, 'anna-token', { 'accept-encoding': 'gzip' });
      assert.equal(packed.headers['content-encoding'], 'gzip');
      assert.match(String(packed.headers['content-disposition']), /^attachment; filename="undo-[0-9a-f]{16}\.sql"$/);
      const statements = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('UPDATE')).map((line) => line.replace(/ \/\*!.*?\*\//, ''));
      assert.deepEqual(statements(gunzipSync(packed.body).toString()), statements(script.body.toString()));
      const tag = String(script.headers.etag);
      assert.equal(packed.headers.etag, tag);
      const known = await get(`/script?${range}`, 'anna-token', { 'if-none-match': `"other", ${tag}` });
      assert.deepEqual([known.status, known.body.length], [304, 0]);
      assert.equal((await get(`/script?${range}&guard=none`, 'anna-token', { 'if-none-match': tag })).status, 200);
      assert.equal((await get(`/script?start_position=${start}&database=${scene.schema}`, 'anna-token')).headers.etag, undefined, 'an open end may mean more next time');
      const record = JSON.parse((await get(`/scripts/${String(script.headers['x-binlog-undo-script'])}`, 'anna-token')).body.toString()) as { requester: string; client: string };
      assert.deepEqual([record.requester, record.client], ['anna', 'HTTP from 127.0.0.1, request night-shift-7']);
      assert.match((await get(`/scripts/${String(known.headers['x-binlog-undo-script'])}`, 'anna-token')).body.toString(), /"state":"cancelled".*The reader has it/);

      // Reads its one schema, wherever it is not said which.
      assert.equal((await get(`/plan?start_position=${start}`, 'looker-token')).status, 200);
      const found = JSON.parse((await get('/operations', 'looker-token')).body.toString()) as { operations: { table: string }[] };
      assert.ok(found.operations.length > 0 && found.operations.every(({ table }) => table === scene.schema || table.startsWith(`${scene.schema}.`)));
      for (const [path, token] of [
        [`/script?${range}`, 'looker-token'], ['/plan?database=mysql', 'looker-token'], ['/operations?table=mysql.user', 'looker-token'], ['/status?source=other', 'looker-token'], ['/gaps', 'looker-token'],
        ['/scripts', 'looker-token'], [`/scripts/${String(script.headers['x-binlog-undo-script'])}`, 'looker-token'], [`/script?source=${scene.alias}&${range}`, 'elsewhere-token'],
      ] as const) {
        const refused = await get(path, token);
        assert.deepEqual([refused.status, told(refused).code], [403, 'FORBIDDEN'], path);
        assert.equal(told(refused).requestId, refused.headers['x-request-id']);
      }
      assert.equal((await get('/status', 'elsewhere-token')).status, 404, 'its only source is meant, which the ledger does not hold');

      // Renewed certificates: the key comes a moment after the certificate, which does not fit until then.
      const renewed = await makeCertificates(folder, 'renewed');
      await rename(renewed.cert, server.cert);
      assert.equal((await get('/status', 'anna-token')).status, 200, 'those of before stay');
      await daemon.logged('tls_unreadable');
      await rename(renewed.key, server.key);
      assert.equal((await ask(`${url}/status`, { ...mine, ca: await readFile(renewed.ca) }, bearer('anna-token'))).status, 200);
      await assert.rejects(get('/status', 'anna-token'), 'the new certificate is of another authority');
      await rename(renewed.ca, server.ca);
      mine.ca = await readFile(server.ca);

      await write([{ name: 'anna', sha256: sha256('rotated-token') }]);
      assert.equal((await get('/status', 'anna-token')).status, 401);
      assert.equal((await get('/status', 'rotated-token')).status, 200);
      await write('[{"name": "anna"');
      assert.equal((await get('/status', 'rotated-token')).status, 401, 'a file that is not understood lets nobody in');
      await daemon.logged('tokens_unreadable');
      assert.doesNotMatch(JSON.stringify(daemon.lines), /rotated-token|anna-token/);
      assert.deepEqual(await query(scene.db, 'SELECT n FROM t ORDER BY id'), [{ n: 10 }, { n: 20 }]);
      await daemon.stop();
      await write('{}');
      const refused = await scene.cli('serve', '--admin-port', '1', '--admin-tokens-file', file);
      assert.match(refused.stderr, /CONFIG_INVALID: The file of tokens .* is not a list/);
      assert.match((await scene.cli('serve', '--admin-host', '0.0.0.0')).stderr, /CONFIG_INVALID: .*(needs a token|plain HTTP)/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('turns away more scripts than may be written at a time', async () => {
    let opened = 0;
    const ends: ((error: Error) => void)[] = [];
    const admin = buildAdmin({
      settings: { host: '127.0.0.1', port: 0, token: () => null, tokensFile: null, tls: null, maxScripts: 2 }, version: '0', log: createLogger('silent'),
      open: () => new Promise((_, reject) => { opened++; ends.push(reject); }),
    });
    const script = async (): Promise<LightMyRequestResponse> => admin.inject('/v1/script?table=a.b');
    const busy = [script(), script()];
    while (opened < 2) await new Promise(setImmediate);
    const third = await script();
    assert.deepEqual([third.statusCode, third.headers['retry-after'], (third.json<{ code: string }>()).code], [429, '5', 'TOO_MANY']);
    assert.equal((await admin.inject('/livez')).statusCode, 200);
    for (const end of ends.splice(0)) end(new UndoError('BACKUP_UNREACHABLE', 'The backup server is not there.'));
    for (const answer of await Promise.all(busy)) assert.equal(answer.statusCode, 503);
    const again = script();
    while (opened < 3) await new Promise(setImmediate);
    ends.pop()!(new UndoError('BACKUP_UNREACHABLE', 'The backup server is not there.'));
    assert.equal((await again).statusCode, 503, 'who left made room');
    await admin.close();
  });

  it('reads Accept-Encoding', () => {
    for (const yes of ['gzip', 'br, gzip;q=0.5', '*', 'GZIP']) assert.equal(takesGzip(yes), true, yes);
    for (const no of [undefined, '', 'br', 'gzip;q=0', 'identity, gzip; q=0.0']) assert.equal(takesGzip(no), false, String(no));
  });
});
