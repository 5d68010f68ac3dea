import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { format } from 'mysql2';
import { backupError } from '../../src/cli/run/backup-faults.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { quoteText } from '../../src/core/identifiers.ts';
import type { ServerEndpoint } from '../../src/core/mysql.ts';

const ENDPOINT: ServerEndpoint = { role: 'backup', host: 'db2', port: 3306, user: 'undo', password: () => 'secret', tls: null };

/** As mysql2 gives what a server refuses. */
const refusal = (errno: number): Error => Object.assign(new Error('as the server says it'), { errno, sqlState: 'HY000', code: 'ER_X' });

const CASES: readonly (readonly [string, readonly number[], ErrorCode])[] = [
  ['somebody else was in the way', [1205, 1213], 'BACKUP_REFUSED'],
  ['the disk is full', [1021, 1114, 3675], 'BACKUP_REFUSED'],
  ['the server is read-only', [1290, 1792, 1836], 'BACKUP_REFUSED'],
  ['the server has no connection left, or ends one', [1040, 1203, 1053, 1317, 1927, 4031], 'BACKUP_UNREACHABLE'],
  ['a table is not there', [1146], 'BACKUP_REFUSED'],
  ['a table was altered', [1054, 1136, 1264, 1364, 1366, 1406], 'BACKUP_TABLE_FOREIGN'],
  ['a packet is too large', [1153], 'PACKET_TOO_LARGE'],
  ['the account may not', [1044, 1045, 1227], 'BACKUP_ACCESS_DENIED'],
  ['the log was edited', [1062], 'INTERNAL'],
  ['anything else', [1, 1064, 9999], 'BACKUP_REFUSED'],
];

for (const [what, numbers, code] of CASES) {
  test(`the backup server's ${numbers.join(', ')} (${what}) means ${code}`, () => {
    for (const number of numbers) {
      const error = backupError(ENDPOINT, refusal(number));
      assert.equal(error.code, code);
      assert.ok(error.fix.length > 20);
      assert.ok(!error.oneLine().includes('secret'));
    }
  });
}

test('a full disk and a read-only server say what to do', () => {
  assert.match(backupError(ENDPOINT, refusal(1114)).fix, /make room/);
  assert.match(backupError(ENDPOINT, refusal(1290)).fix, /read-only/);
});

test('the statement that was refused is named, without the text in it', () => {
  const named = (sql: string): string => backupError(ENDPOINT, Object.assign(refusal(9999), { sql })).message;
  assert.match(named('SELECT 1'), /\(error 9999\): as the server says it, in SELECT 1\.$/);
  assert.match(named(`INSERT INTO ${'t'.repeat(500)}`), /in INSERT INTO t{100,200}…\.$/);
  const piece = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom("'", '"', '\\', '\n', 'x'.repeat(1600)));
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    const text = pieces.join('');
    for (const sql of [format('INSERT INTO t VALUES (?, ?)', [text, text]), `INSERT INTO t VALUES (${quoteText(text)}, ${quoteText(text)})`]) {
      assert.match(named(sql).replaceAll('_utf8mb4 X', ''), /in INSERT INTO t VALUES \(\?,? ?\??\)?\.$/);
    }
  }));
});
