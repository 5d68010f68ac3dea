import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UndoError } from '../../src/core/errors.ts';
import { Ledger } from '../../src/store/ledger.ts';
import { commentLines, commentText } from '../../src/script/comment.ts';
import { actorScope, inTableScope, tableScope } from '../../src/script/conditions.ts';
import { formatMicros, readTime } from '../../src/script/datetime.ts';
import { FIND_PARAMETERS, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, type ParameterName, type RawParameters } from '../../src/script/parameters.ts';
import { CLI_DIALECT, HTTP_DIALECT } from '../../src/script/parameter-reader.ts';
import { readFindOptions, readScriptOptions, readSelection, requireLimits } from '../../src/script/read-parameters.ts';
import { formatTable } from '../../src/script/selection.ts';

const NAMES = Object.keys({ ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS, ...FIND_PARAMETERS }) as ParameterName[];

const LEDGER = new Ledger('binlog_undo');

function refusal(run: () => unknown): UndoError {
  try {
    run();
  } catch (error) {
    if (error instanceof UndoError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'nothing was refused' });
}

describe('times', () => {
  for (const [text, utc] of [
    ['2026-11-20T14:05:00Z', '2026-11-20T14:05:00.000000Z'],
    ['2026-11-20T14:05:00.123456Z', '2026-11-20T14:05:00.123456Z'],
    ['2026-11-20 14:05:00.5+02:00', '2026-11-20T12:05:00.500000Z'],
    ['2026-11-20T14:05-0130', '2026-11-20T15:35:00.000000Z'],
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000000Z'],
  ] as const) {
    it(`reads ${text}`, () => assert.equal(formatMicros(readTime(text, 'explicit').micros), utc));
  }

  it('takes local times on the command line only', () => {
    const read = readTime('2026-11-20 14:05:00.25', 'local');
    assert.equal(read.local, true);
    assert.equal(read.micros, new Date(2026, 10, 20, 14, 5, 0).getTime() * 1000 + 250_000);
    assert.equal(refusal(() => readTime('2026-11-20 14:05:00', 'explicit')).code, 'DATETIME_INVALID');
  });

  for (const text of ['', 'now', '2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-11-20T24:00:00Z', '2026-11-20T14:05:00+15:00', '2026-11-20T14:05:00+01:60', '2026-11-20', '20261120140500']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(refusal(() => readTime(text, 'local')).code, 'DATETIME_INVALID'));
  }

  it('writes what it reads', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_102_444_800_000_000 }), (micros) => {
      assert.equal(readTime(formatMicros(micros), 'explicit').micros, micros);
    }));
  });
});

describe('selections', () => {
  it('read tables with and without their database, with dots and backquotes', () => {
    const read = (raw: RawParameters): string[] => readSelection(raw, HTTP_DIALECT).tables.map(formatTable);
    assert.deepEqual(read({ table: 'shop.orders' }), ['shop.orders']);
    assert.deepEqual(read({ database: 'shop', table: ['orders', 'crm.people'] }), ['shop.orders', 'crm.people']);
    assert.deepEqual(read({ table: '`a.b`.`c``d`' }), ['`a.b`.`c``d`']);
    assert.match(refusal(() => read({ table: 'orders' })).message, /^table is "orders" without its database/);
    assert.match(refusal(() => readSelection({ table: 'a.b.c' }, CLI_DIALECT)).message, /^--table is "a\.b\.c"/);
  });

  it('formats and reads any table name', () => {
    const name = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }).filter((text) => text.length <= 64);
    fc.assert(fc.property(name, name, (schema, table) => {
      assert.deepEqual(readSelection({ table: formatTable({ schema, table }) }, HTTP_DIALECT).tables, [{ schema, table }]);
    }));
  });

  it('refuse an undo of everything, and ranges that run backwards', () => {
    assert.equal(refusal(() => requireLimits(readSelection({ stop_position: 'b.000001:4' }, CLI_DIALECT), CLI_DIALECT)).code, 'USAGE');
    requireLimits(readSelection({ thread_id: '7' }, CLI_DIALECT), CLI_DIALECT);
    assert.equal(refusal(() => readSelection({ start_datetime: '2026-01-02T00:00:00Z', stop_datetime: '2026-01-01T00:00:00Z' }, HTTP_DIALECT)).code, 'RANGE_INVERTED');
  });

  for (const [raw, code] of [
    [{ start_position: 'binlog:4' }, 'POSITION_INVALID'], [{ start_position: 'binlog.000001' }, 'POSITION_INVALID'], [{ thread_id: '0x7' }, 'USAGE'],
    [{ thread_id: '-1' }, 'USAGE'], [{ type: 'TRUNCATE' }, 'USAGE'], [{ source: '' }, 'USAGE'], [{ source: ['a', 'b'] }, 'USAGE'], [{ include_gtids: 'nonsense' }, 'POSITION_INVALID'],
  ] as const) {
    it(`refuse ${JSON.stringify(raw)}`, () => assert.equal(refusal(() => readSelection(raw, HTTP_DIALECT)).code, code));
  }

  it('read how scripts are made, and refuse what contradicts', () => {
    assert.deepEqual(readScriptOptions({ atomic: 'false', from_part: '3' }, HTTP_DIALECT).parts, 'transaction');
    assert.deepEqual(readScriptOptions({ chunk_rows: '500' }, HTTP_DIALECT).parts, { rows: 500 });
    for (const raw of [{ atomic: 'true', chunk_rows: '5' }, { from_part: '2' }, { chunk_rows: '0' }, { atomic: 'maybe' }]) assert.equal(refusal(() => readScriptOptions(raw, HTTP_DIALECT)).code, 'USAGE');
    assert.equal(refusal(() => readScriptOptions({ mode: 'sideways' }, HTTP_DIALECT)).code, 'USAGE');
    assert.equal(readScriptOptions({ atomic: 'true', guard: 'NONE', allow: ['gap', 'trigger'] }, HTTP_DIALECT).guard, 'none');
  });

  it('are GTID sets of the flavour at hand', () => {
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    const selection = readSelection({ include_gtids: `${uuid}:1-5:9` }, HTTP_DIALECT);
    assert.deepEqual(actorScope(selection, 'mysql', LEDGER)[0]?.parameters, [`${uuid}:9`, uuid.length + 1, `${uuid}:`, uuid.length + 2, uuid.length + 2, '1', '5']);
    assert.equal(refusal(() => actorScope(selection, 'mariadb', LEDGER)).code, 'USAGE');
    assert.deepEqual(actorScope(readSelection({ include_gtids: '0-1-5, 1-2-3' }, HTTP_DIALECT), 'mariadb', LEDGER)[0]?.parameters, ['0-1-5', '1-2-3']);
  });

  it('scope tables alike in SQL and in JavaScript', () => {
    const selection = readSelection({ database: ['a', 'b'], table: 'a.t', exclude_table: 'b.x' }, HTTP_DIALECT);
    const [included, excluded] = tableScope(selection);
    assert.deepEqual(included?.parameters, ['b', 'a', 't']);
    assert.deepEqual(excluded?.parameters, ['b', 'x']);
    assert.equal(inTableScope(selection, 'a', 't'), true);
    assert.equal(inTableScope(selection, 'a', 'u'), false);
    assert.equal(inTableScope(selection, 'b', 'u'), true);
    assert.equal(inTableScope(selection, 'b', 'x'), false);
    assert.equal(inTableScope(selection, 'c', 'u'), false);
    assert.equal(inTableScope(selection, null, ''), true);
  });

  it('never fail but by a refusal, whatever is given', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('binlog.000001:4', '2026-11-20T00:00:00Z', 'a.b', '0-1-2', '1', 'true', 'gap', '`', "'; DROP TABLE t; --"));
    const raw = fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(value, fc.array(value, { maxLength: 3 })));
    fc.assert(fc.property(raw, fc.constantFrom(HTTP_DIALECT, CLI_DIALECT), (parameters, dialect) => {
      for (const read of [readSelection, readScriptOptions, readFindOptions]) {
        try {
          read(parameters, dialect);
        } catch (error) {
          assert.ok(error instanceof UndoError && [2, 3].includes(error.exitCode), String(error));
          assert.doesNotMatch(error.oneLine(), /\n/);
        }
      }
    }), { numRuns: 3000 });
  });
});

describe('comments', () => {
  it('keep every text on its line and away from the client', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const line = commentText(text);
      // eslint-disable-next-line no-control-regex -- that none is left is what is tested
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\\]|\*\/|\/\*/u);
      assert.equal(commentLines([line]).split('\n').length, 2);
    }), { numRuns: 3000 });
  });

  it('show what was cut', () => assert.equal(commentText('x'.repeat(300), 10), 'xxxxxxxxxx...'));
});
