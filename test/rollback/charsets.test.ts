import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RowDataPacket } from 'mysql2/promise';
import type { RenderOptions } from '../../src/rollback/index.ts';
import { sources } from '../support/servers.ts';
import { UndoBench } from './support/undo-bench.ts';

/** Byte strings that may be text in some character set: all single bytes, and a spread of two to four bytes. */
function samples(): string[] {
  const hex = (...bytes: number[]): string => Buffer.from(bytes).toString('hex').toUpperCase();
  const all: string[] = Array.from({ length: 256 }, (_, byte) => hex(byte));
  // A fixed linear sequence: the same strings in every run.
  let state = 12345;
  const next = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16 & 0xff;
  for (let i = 0; i < 250; i++) all.push(hex(0x80 | next(), next()));
  for (let i = 0; i < 50; i++) all.push(hex(0x8f, 0xa0 | next(), 0xa0 | next()), hex(0x80 | next(), 0x30 | (next() & 9), 0x80 | next(), 0x30 | (next() & 9)));
  for (let i = 0; i < 50; i++) all.push(hex(next(), next()), hex(0, next() & 0x10, next(), next()), hex(0xd8, next(), 0xdc, next()));
  for (const text of ['it\'s', 'back\\slash', 'tab\t', 'é', '中文', '😀', 'a  ', '~^[]{}|']) all.push(Buffer.from(text).toString('hex').toUpperCase());
  return all;
}

for (const server of sources()) {
  describe(`text comes back in every character set of ${server.kind}`, () => {
    it('inserted, updated and deleted, keyed and by all columns', async () => {
      await using bench = await UndoBench.open(server, 'charsets');
      const [charsets] = await bench.work.query<RowDataPacket[]>("SELECT character_set_name n FROM information_schema.character_sets WHERE character_set_name NOT IN ('binary') ORDER BY 1");
      const values = samples();
      for (const charset of charsets.map((row) => String(row['n']))) {
        const collation = charset === 'utf8mb4' ? 'utf8mb4_bin' : `${charset}_bin`;
        await bench.work.query(`CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20) CHARACTER SET ${charset}, c CHAR(20) CHARACTER SET ${charset} COLLATE ${collation}, x TEXT CHARACTER SET ${charset})`);
        await bench.work.query('CREATE TABLE k LIKE t');
        await bench.work.query('ALTER TABLE k MODIFY id INT, DROP PRIMARY KEY');
        // Binary strings are taken over as they are; what is not text in this character set is cut.
        await bench.work.query(`INSERT IGNORE INTO t(v, c, x) VALUES ${values.map((value) => `(X'${value}', X'${value}', X'${value}')`).join(',')}`);
        await bench.work.query('DELETE FROM t WHERE LENGTH(v)=0 AND id > 1');
        const options: RenderOptions = { flavour: server.flavour, form: 'backup', update: 'changed', guard: 'changed' };
        const before = await bench.bytes('t');
        assert.ok(before.length > 90, `${charset}: ${before.length} samples`);

        const deleted = await bench.render(await bench.logged(() => bench.work.query('DELETE FROM t').then(() => undefined)), options);
        await runAll(bench, deleted);
        assert.deepEqual(await bench.bytes('t'), before, `${charset}: DELETE`);

        const updated = await bench.render(await bench.logged(() => bench.work.query("UPDATE t SET v='', c='', x=''").then(() => undefined)), options);
        await runAll(bench, updated);
        assert.deepEqual(await bench.bytes('t'), before, `${charset}: UPDATE`);

        const inserted = await bench.render(await bench.logged(() => bench.work.query('INSERT INTO k SELECT * FROM t WHERE id % 10 = 0').then(() => undefined)), options);
        await runAll(bench, inserted);
        assert.deepEqual(await bench.bytes('k'), [], `${charset}: INSERT without a key`);
        await bench.work.query('DROP TABLE t, k');
      }
    });
  });
}

async function runAll(bench: UndoBench, statements: readonly string[]): Promise<void> {
  await bench.work.query('BEGIN');
  for (const statement of statements) {
    const [result] = await bench.work.query(statement);
    assert.equal((result as { affectedRows: number }).affectedRows, 1, statement);
  }
  await bench.work.query('COMMIT');
}
