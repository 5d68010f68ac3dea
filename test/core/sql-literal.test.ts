import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { openConnection } from '../../src/core/mysql.ts';
import { literal } from '../../src/core/sql-literal.ts';
import { backups } from '../support/servers.ts';

/** What ends, continues or escapes a literal somewhere, among everything else. */
const piece = fc.oneof(fc.constantFrom("'", '\\', '"', '\0', '\n', '\r', '\x1a', '%', '_', '?', '`', ';', '-- ', '/*', 'ÿ', '磨', '😀'), fc.string({ unit: 'grapheme', maxLength: 4 }));
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
const value = fc.oneof(
  text, text.map((own) => Buffer.from(own)), fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ max: 127, maxLength: 40 }).map((bytes) => Buffer.from(bytes)), fc.maxSafeInteger(), fc.constant(null));

for (const server of backups()) {
  it(`${server.kind}: a value in a statement is that value`, async (t) => {
    const connection = await openConnection({ role: 'backup', host: server.host, port: server.port, user: server.user, password: () => server.password, tls: null }, { rowsAsArray: true });
    t.after(() => connection.end());
    const long = '\'\\"\0磨\n'.repeat(100_000);
    const [[back]] = await connection.query(`SELECT CAST(${literal(long)} AS BINARY)`) as unknown as [Buffer[][]];
    assert.ok(back![0]!.equals(Buffer.from(long)));
    await fc.assert(fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 60 }), async (values) => {
      const [[found]] = await connection.query(`SELECT ${values.map((one) => (typeof one === 'string' ? `CAST(${literal(one)} AS BINARY)` : literal(one))).join(',')}`) as unknown as [unknown[][]];
      assert.deepEqual(found!.map((one, i) => (typeof values[i] === 'number' ? Number(one) : one)), values.map((one) => (typeof one === 'string' ? Buffer.from(one) : one)));
    }), { numRuns: 100 });
  });
}
