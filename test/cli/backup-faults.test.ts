import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupError } from '../../src/cli/run/backup-faults.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
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
