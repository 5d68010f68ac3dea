import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { buildAdmin } from '../../src/admin/index.ts';
import { flagOf } from '../../src/cli/args.ts';
import { OpenEngine } from '../../src/cli/engine.ts';
import { main } from '../../src/cli/program.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ERRORS, type ErrorCode } from '../../src/core/errors.ts';
import { createLogger } from '../../src/core/log.ts';
import { formatPosition } from '../../src/core/position.ts';
import type { RawParameters } from '../../src/script/index.ts';
import { Scene } from '../support/scene.ts';
import { backup, source } from '../support/servers.ts';

interface Facts {
  readonly early: string; readonly begin: string; readonly inside: string; readonly bounds: string; readonly end: string; readonly beyond: string; readonly table: string; readonly said: string; readonly hidden: string;
  readonly alias: string; readonly base: string; readonly first: string; readonly last: string;
}

interface Case {
  readonly what: string;
  readonly raw: (facts: Facts) => RawParameters;
  readonly code: ErrorCode;
  /** The offending value, and what the log does hold or what to ask instead; all of it stands in the message or the fix. */
  readonly told: (facts: Facts) => readonly string[];
}

const CASES: readonly Case[] = [
  { what: 'a start before the log', raw: ({ early }) => ({ start_position: early }), code: 'NOT_COVERED', told: ({ early, begin }) => [early, `begins at ${begin}`] },
  { what: 'a time before the log', raw: () => ({ start_datetime: '2020-01-01T00:00:00Z' }), code: 'NOT_COVERED', told: ({ begin }) => ['2020-01-01T00:00:00', begin] },
  { what: 'a stop in the future', raw: ({ table }) => ({ table, stop_datetime: '2999-01-01T00:00:00Z' }), code: 'NOT_COVERED', told: ({ end }) => ['2999-01-01', `reaches to ${end}`, 'leave the stop out'] },
  { what: 'a stop that is not reached', raw: ({ table, beyond }) => ({ table, stop_position: beyond }), code: 'NOT_COVERED', told: ({ beyond, end }) => [beyond, `stop at ${end}`] },
  { what: 'a start inside a transaction', raw: ({ inside }) => ({ start_position: inside }), code: 'POSITION_INSIDE_TRANSACTION', told: ({ inside, bounds }) => [inside, bounds] },
  { what: 'a stop inside a transaction', raw: ({ inside, begin }) => ({ start_position: begin, stop_position: inside }), code: 'POSITION_INSIDE_TRANSACTION', told: ({ inside, bounds }) => [inside, bounds] },
  { what: 'an unknown opid', raw: () => ({ opid: '1795183500_4711_000001200000000197000000' }), code: 'OPID_UNKNOWN', told: ({ begin, end }) => ['1795183500_4711_000001200000000197000000', `${begin} to ${end}`, 'find'] },
  { what: 'a script that never ran', raw: () => ({ script: 'b7e1736b821da8d7' }), code: 'SCRIPT_UNKNOWN', told: () => ['b7e1736b821da8d7', 'find'] },
  { what: 'a malformed GTID', raw: () => ({ include_gtids: 'b7e1736b-21:1-' }), code: 'POSITION_INVALID', told: () => ['b7e1736b-21:1-'] },
  { what: 'a GTID of the other flavour', raw: () => ({ include_gtids: '0-1-22' }), code: 'USAGE', told: () => ['0-1-22', 'uuid:1-5:7'] },
  { what: 'a table that never existed', raw: ({ table }) => ({ table: `${table}x` }), code: 'TABLE_UNKNOWN', told: ({ table }) => [`${table}x`, 'in that database it met said, t'] },
  { what: 'a database that is not captured', raw: () => ({ database: 'no_such_database' }), code: 'GAP_IN_RANGE', told: () => ['no_such_database', 'kept'] },
  { what: 'a range over a gap', raw: ({ said }) => ({ table: said }), code: 'GAP_IN_RANGE', told: ({ said }) => [said, 'statement-dml', '--allow gap'] },
  { what: "an excluded table's era", raw: ({ hidden }) => ({ table: hidden }), code: 'GAP_IN_RANGE', told: ({ hidden }) => [hidden, 'kept'] },
  { what: 'a stop before the start', raw: ({ first, last }) => ({ start_position: last, stop_position: first }), code: 'RANGE_INVERTED', told: ({ first, last }) => [first, last] },
  { what: 'times that run backwards', raw: () => ({ start_datetime: '2026-11-20T10:00:00Z', stop_datetime: '2026-11-20T09:00:00Z' }), code: 'RANGE_INVERTED', told: () => ['stop'] },
  { what: 'an atomic script in chunks', raw: ({ table }) => ({ table, atomic: 'true', chunk_rows: '100' }), code: 'USAGE', told: () => ['chunk', 'atomic', 'Leave one of them out'] },
  { what: 'a part of a whole script', raw: ({ table }) => ({ table, from_part: '2' }), code: 'USAGE', told: () => ['part', '2', 'atomic'] },
  { what: 'a part of an open range', raw: ({ table }) => ({ table, from_part: '2', atomic: 'false' }), code: 'USAGE', told: () => ['stop'] },
  { what: 'a file of another name', raw: () => ({ start_position: 'other-bin.000001:4' }), code: 'POSITION_INVALID', told: ({ base }) => ['other-bin.000001', `${base}.NNNNNN`] },
  { what: 'no position', raw: () => ({ start_position: 'yesterday' }), code: 'POSITION_INVALID', told: () => ['yesterday', 'file:offset'] },
  { what: 'no time', raw: () => ({ start_datetime: '2026-02-31T00:00:00Z' }), code: 'DATETIME_INVALID', told: () => ['2026-02-31', 'calendar'] },
  { what: 'nothing that limits', raw: () => ({ stop_datetime: '2026-11-20T10:00:00Z' }), code: 'USAGE', told: () => ['whole log', 'opid'] },
  { what: 'another source', raw: ({ table }) => ({ source: 'nobody', table }), code: 'SOURCE_UNKNOWN', told: ({ alias }) => ['nobody', alias] },
  { what: 'another life of the binlog', raw: ({ begin }) => ({ start_position: begin, incarnation: '7' }), code: 'POSITION_INVALID', told: () => ['life 7', '1'] },
];

describe('requests that cannot be met say why, what the log has, and what to ask', () => {
  let scene: Scene;
  let facts: Facts;
  let admin: ReturnType<typeof buildAdmin>;
  const stop = new AbortController();

  before(async () => {
    scene = await Scene.open(source('mysql'), backup('mariadb'));
    const early = formatPosition(await scene.position());
    await scene.db.query('CREATE TABLE hidden (id INT PRIMARY KEY)');
    const daemon = await scene.startDaemon({ BINLOG_UNDO_EXCLUDE_TABLE: `${scene.schema}.hidden` });
    await scene.db.query('CREATE TABLE t (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; CREATE TABLE said (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO said VALUES (1); INSERT INTO t VALUES (1, 1); UPDATE t SET n = 2');
    await scene.db.query("SET SESSION binlog_format = 'STATEMENT'; UPDATE said SET id = 5; SET SESSION binlog_format = 'ROW'");
    await scene.caughtUp();
    await daemon.stop();
    const [begun] = await scene.ledgerRows('SELECT first_file, first_offset FROM incarnations');
    const [reached] = await scene.ledgerRows('SELECT file, file_offset FROM checkpoints');
    const changes = (await scene.operations()).filter(({ table_name, ddl }) => table_name === 't' && Number(ddl) === 0);
    const [first, last] = [changes[0]!, changes.at(-1)!];
    await scene.db.query('UPDATE t SET n = 3');
    const at = (file: unknown, offset: unknown): string => `${String(file)}:${String(offset)}`;
    facts = {
      early, begin: at(begun?.first_file, begun?.first_offset), end: at(reached?.file, reached?.file_offset), beyond: formatPosition(await scene.position()),
      inside: at(first.start_file, Number(first.start_offset) + 5), bounds: `${at(first.start_file, first.start_offset)} to ${at(first.end_file, first.end_offset)}`,
      table: `${scene.schema}.t`, said: `${scene.schema}.said`, hidden: `${scene.schema}.hidden`, alias: scene.alias, base: String(first.start_file).replace(/\.\d+$/, ''),
      first: at(first.start_file, first.start_offset), last: at(last.end_file, last.end_offset),
    };
    // Neither the daemon nor the source is at hand: the ledger alone answers.
    const { BINLOG_UNDO_SOURCE_HOST: _, ...env } = scene.env;
    const config = loadConfig({ env, needs: ['backup'] });
    admin = buildAdmin({ settings: config.admin, version: '0', log: createLogger('silent'), open: (signal, requester) => OpenEngine.open(config, signal, requester) });
  });
  after(async () => {
    await admin.close();
    await scene[Symbol.asyncDispose]();
  });

  const flat = (text: string): string => text.replaceAll(/[-_]/g, ' ');
  for (const { what, raw, code, told } of CASES) it(`${what}: ${code}`, async () => {
    const given = Object.entries(raw(facts)).map(([name, value]) => [name, String(value)] as const);
    for (const path of ['/v1/script', '/v1/plan']) {
      // What a plan can show it does not refuse.
      if (path === '/v1/plan' && (code === 'GAP_IN_RANGE' || what === 'a part of an open range')) continue;
      const answer = await admin.inject(`${path}?${new URLSearchParams(Object.fromEntries(given)).toString()}`);
      const problem = answer.json<{ code: string; detail: string; fix: string }>();
      assert.deepEqual([answer.statusCode, problem.code], [ERRORS[code].http, code], answer.payload);
      for (const part of told(facts)) assert.ok(flat(`${problem.detail} ${problem.fix}`).includes(flat(part)), `${part} in ${answer.payload}`);
    }
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const status = await main(['script', ...given.flatMap(([name, value]) => [`--${flagOf(name)}`, value])], {
      stdout, stderr, env: Object.fromEntries(Object.entries(scene.env).filter(([name]) => !name.startsWith('BINLOG_UNDO_SOURCE'))), signal: stop.signal,
    });
    const line = String(stderr.read() ?? '');
    assert.equal(status, ERRORS[code].exit, line);
    assert.equal(stdout.read(), null);
    assert.match(line, new RegExp(`^binlog-undo: ${code}: [^\\n]+\\n$`));
    for (const part of told(facts)) assert.ok(flat(line).includes(flat(part)), `${part} in ${line}`);
  });
});
