import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { buildAdmin } from '../../src/admin/index.ts';
import { ERRORS } from '../../src/core/errors.ts';
import { createLogger, type Logger } from '../../src/core/log.ts';
import { LEDGER_TABLES } from '../../src/store/ledger-schema.ts';
import { Ledger } from '../../src/store/ledger.ts';
import { FIND_PARAMETERS, HISTORY_PARAMETERS, SCRIPT_PARAMETERS, SELECTION_PARAMETERS } from '../../src/script/index.ts';

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 50_000);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** In every text that goes in; must never come out inside SQL. */
const CANARY = 'kAnArY';

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const LOG = { source_id: 1, incarnation_id: 1, id: 1, alias: 'shop', flavour: 'mysql', label: 'shop', label_port: 3306 };
const CHECKPOINT = {
  ...LOG, epoch: '1', file: 'binlog.000003', file_offset: '900', anchor: null, gtid_set: null, next_ordinal: '1000', next_block: '10', commit_micros: '1795183500000000', leader: null,
  server_uuid: '07485aa2-e536-11f1-b3c4-02fc00000001', server_id: 7, version: '9.7.4', updated: '2026-11-20 00:00:00.000000', age: '0', first_file: 'binlog.000001', first_offset: '4',
  last_file: null, last_offset: null, first_ordinal: '1', start_gtids: null, created: '2026-11-01 00:00:00.000000', life: '0',
};

/** Enough of a ledger that requests go all the way through the statements that select from it. */
class RecordingLedger {
  readonly statements = new Set<string>();
  asked = 0;

  readonly query = (sql: string, parameters: readonly unknown[] = []): Promise<[unknown, unknown]> => {
    this.asked++;
    assert.ok(!sql.includes(CANARY), `a parameter in the text of SQL: ${sql}`);
    assert.equal(sql.replaceAll(/'(?:[^']|'')*'/g, '').split('?').length - 1, parameters.length, sql);
    this.statements.add(sql.replaceAll(/\((?:\?, )*\?\)/g, '(?)').replaceAll(/\d+/g, '0').replaceAll(/(?:\(o\.schema_name = \? AND o\.table_name = \?\)(?: OR )?)+/g, 'T').slice(0, 400));
    return Promise.resolve([this.#answer(sql), []]);
  };

  #answer(sql: string): unknown {
    if (/^\s*(INSERT|UPDATE)/.test(sql)) return { affectedRows: 1 };
    if (sql.includes('information_schema.tables')) return LEDGER_TABLES.map((name) => ({ name }));
    if (sql.includes('compatible_from')) return [{ version: 1, compatible_from: 1 }];
    if (sql.includes('`eras`')) return sql.includes('ORDER BY e.id') ? [] : [{ ordinal: '1', filter: '{"includeDatabases":[],"includeTables":[],"excludeDatabases":[],"excludeTables":[]}' }];
    // Names that are asked for are known, so that the request goes on.
    if (sql.startsWith('SELECT 1 AS found')) return [{ found: 1 }];
    if (/`(checkpoints|incarnations|sources)`/.test(sql) && !/`(operations|scripts)`/.test(sql)) return [CHECKPOINT];
    // A list of transactions, of which this ledger has none.
    if (sql.includes('GROUP BY o.ordinal')) return [];
    if (sql.includes('COUNT(')) return [{ transactions: '0', operations: '0', count: '0' }];
    return [];
  }
}

const SCALARS: ((pick: () => number) => unknown)[] = [
  (r) => `${CANARY}' OR '1'='1' -- ${String(r())}`, () => `${CANARY}"; DROP TABLE t; --`, () => `${CANARY}\\'; SELECT SLEEP(9)#`, () => `${CANARY}\0\u2028\ud800`, () => `\`${CANARY}\`.\`a\`\`b\``, () => `${CANARY}.t`,
  () => `b${CANARY}.000001:4`, () => 'binlog.000001:4', () => 'binlog.000003:900', () => 'binlog.000002:18446744073709551616', () => '2026-11-20T00:00:00Z', () => '2026-11-20 00:00:00', () => '0001-01-01T00:00:00Z',
  () => '07485aa2-e536-11f1-b3c4-02fc00000001:1-5:9', () => '0-1-2', () => `07485aa2-e536-11f1-b3c4-02fc00000001:1-${CANARY}`, () => '1795183500_4711_000001200000000197000000', () => 'a.b', () => 'shop', () => 'INSERT', () => 'changed',
  () => 'none', () => 'gap', () => 'true', () => '0', () => '1', () => '-1', () => '1e9', () => '', (r) => Math.floor(r() * 2 ** 53), () => 0.5, () => true, () => null, () => ({ a: 1 }), () => [[1]], () => 'x'.repeat(200_001),
];
/** What a parameter takes, with text from outside wherever there may be any. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  source: ['shop'], database: [CANARY, `${CANARY}'`], table: [`${CANARY}.t`, `\`${CANARY}\`\`.x\`.\`'\``], exclude_database: [`${CANARY}\\`], exclude_table: [`${CANARY}.u`], opid: [`${CANARY}'_1_2`, '1795183500_4711_000001200000000197000000'],
  script: [`${CANARY}" OR 1`], thread_id: ['7'], type: ['INSERT', 'delete'], start_position: ['binlog.000001:4'], stop_position: ['binlog.000003:900'], start_datetime: ['2026-11-20T00:00:00Z'],
  include_gtids: ['07485aa2-e536-11f1-b3c4-02fc00000001:1-5:9'], text: [`${CANARY}%_'`], user: [`${CANARY}'@'%`], min_rows: ['3'], limit: ['5'], before: [`${CANARY}'`], guard: ['none', 'changed', 'row'], atomic: ['false'], chunk_rows: ['100'], from_part: ['2'], update: ['full'], target: ['any'],
  allow: ['gap'], once_table: [`${CANARY}.once`],
};
const OF_ROUTE = [
  ['/v1/script', Object.keys({ ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS })], ['/v1/plan', Object.keys({ ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS })],
  ['/v1/operations', Object.keys({ ...SELECTION_PARAMETERS, ...FIND_PARAMETERS })], ['/v1/transactions', Object.keys({ ...SELECTION_PARAMETERS, ...FIND_PARAMETERS })], ['/v1/scripts', Object.keys(HISTORY_PARAMETERS)],
] as const;
const NAMES = [...Object.keys({ ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS, ...FIND_PARAMETERS, ...HISTORY_PARAMETERS }).filter((name) => name !== 'wait'), '__proto__', 'constructor', CANARY, 'tabel'];
const PATHS = ['/v1/script', '/v1/plan', '/v1/operations', '/v1/scripts', '/v1/gaps', '/v1/status', `/v1/scripts/${CANARY}`, `/v1/scripts/${encodeURIComponent(`'${CANARY}`)}/cancel`, '/v1/nothing', '/v1/script/%00', '/v1/%', '/v1/../etc/passwd', '//v1/plan', '/readyz'];

describe('requests of any kind', () => {
  it(`${REQUESTS} of them, seed ${SEED}: no crash, no SQL from outside, always problem+json or what was asked for`, async () => {
    const random = randomFrom(SEED);
    const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const ledger = new RecordingLedger();
    const context = {
      connection: ledger as unknown as Connection, ledger: new Ledger('binlog_undo'), live: null, requester: { name: 'fuzz', client: 'fuzz' }, version: '0.0.0',
    };
    let failure: unknown = null;
    const log: Logger = { ...createLogger('silent'), error: (fields) => { failure = fields.error; } };
    const admin = buildAdmin({
      settings: { host: '127.0.0.1', port: 0, token: () => null, tokensFile: null, tls: null, maxScripts: 4 }, version: '0.0.0', log,
      open: () => Promise.resolve({ context, [Symbol.asyncDispose]: () => Promise.resolve() }),
    });
    const value = (): unknown => {
      const scalar = (): unknown => one(SCALARS)(random);
      return random() < 0.15 ? Array.from({ length: Math.floor(random() * 4) }, scalar) : scalar();
    };
    const statuses = new Map<number, number>();
    for (let i = 0; i < REQUESTS; i++) {
      // Mostly few parameters, or none would get past the first that is wrong.
      const [route, names] = one(OF_ROUTE);
      const plausible = random() < 0.5;
      const fitting = names.filter((name) => name in FITTING);
      const given = plausible ? Array.from({ length: 1 + Math.floor(random() * 3) }, () => one(fitting)).map((name) => [name, random() < 0.9 ? one(FITTING[name]!) : value()] as const) : Array.from({ length: random() < 0.7 ? 1 + Math.floor(random() * 2) : Math.floor(random() * 8) }, () => [one(NAMES), value()] as const);
      const path = plausible ? route : one(PATHS);
      const post = random() < (plausible ? Number(path === '/v1/script' || path === '/v1/plan') * 0.5 : 0.4);
      const search = (): string => given.flatMap(([name, item]) => [item].flat().map((single) => `${encodeURIComponent(name)}=${encodeURIComponent(String(single).replaceAll(/[\ud800-\udfff]/g, '?').slice(0, 5000))}`)).join('&');
      const body = (): string => (!plausible && random() < 0.05 ? one(['{', '[]', 'null', '"x"', '', `{"table":"${CANARY}`, '[1,2']) : JSON.stringify(Object.fromEntries(given)));
      const what = post
        ? { method: 'POST' as const, url: path, payload: body(), headers: { 'content-type': plausible ? 'application/json' : one(['application/json', 'application/json; charset=utf-8', 'text/plain', 'application/x-www-form-urlencoded']) } }
        : { method: plausible ? 'GET' as const : one(['GET', 'GET', 'GET', 'DELETE', 'PUT'] as const), url: `${path}?${search()}` };
      const answer = await admin.inject({ ...what, headers: { ...('headers' in what ? what.headers : {}), ...(random() < 0.1 ? { 'x-request-id': `${CANARY}\t<script>`, 'accept-encoding': 'gzip' } : {}) } });
      const shown = `seed ${SEED}, request ${i}: ${JSON.stringify(what).slice(0, 1000)}: ${answer.statusCode} ${answer.payload.slice(0, 500)} ${failure instanceof Error ? failure.stack ?? '' : ''}`;
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      assert.match(String(answer.headers['x-request-id']), /^[\w.:-]{1,64}$/, shown);
      if (answer.statusCode >= 400) {
        assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, shown);
        const told = answer.json<{ status: number; code: string; detail: string; fix: string }>();
        assert.equal(told.status, answer.statusCode, shown);
        assert.ok(told.code in ERRORS || ['NOT_FOUND', 'METHOD_NOT_ALLOWED', 'BODY_INVALID'].includes(told.code), shown);
        assert.ok(told.code !== 'INTERNAL' && answer.statusCode < 500, shown);
      } else if (path === '/v1/script' && answer.headers['content-encoding'] === undefined) {
        // Nothing matches in this ledger: a script of comments, each on its line.
        assert.ok(answer.payload.split('\n').every((line) => line === '' || line.startsWith('--')), shown);
      }
    }
    await admin.close();
    // Requests must have got through, to statements of many forms, which do not multiply with what is sent.
    assert.ok((statuses.get(200) ?? 0) > REQUESTS / 20, JSON.stringify([...statuses]));
    assert.ok(ledger.asked > REQUESTS / 2 && ledger.statements.size > 20 && ledger.statements.size < 1500, `${ledger.asked} statements, ${ledger.statements.size} forms`);
  });
});
