import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import type { SealedBlock } from '../../src/store/batch.ts';
import { BlockWriter } from '../../src/store/block-sql.ts';
import { createLedger, Ledger } from '../../src/store/ledger.ts';
import { backups, connect, uniqueSchema } from '../support/servers.ts';

/** Whatever a character set could take for a quote, a backslash or a part of a character, and the end of text. */
const EVERY_PAIR = Buffer.from(Uint16Array.from({ length: 65_536 }, (_, pair) => pair).buffer);

function sealed(block: number, data: Buffer): SealedBlock {
  return { block, rawBytes: data.length, packed: Promise.resolve({ codec: 0, rawBytes: data.length, data }), keys: [], fromOrdinal: 0, toOrdinal: 0 };
}

for (const server of backups()) {
  // A name outside ASCII would be read in the character set that blocks are sent under.
  for (const prefix of ['blocks', 'blöcke_磨']) {
    it(`${server.kind}: every pair of bytes in blocks of any size comes back, into ledger ${prefix}`, async (t) => {
      const connection = await connect(server);
      const ledger = new Ledger(prefix === 'blocks' ? uniqueSchema(prefix) : `${prefix}${randomBytes(4).toString('hex')}`);
      t.after(async () => {
        await connection.query(`DROP DATABASE IF EXISTS \`${ledger.name}\``);
        await connection.end();
      });
      await createLedger(connection, ledger);
      const writer = new BlockWriter(connection, { ledger, sourceId: 7, incarnationId: 1, epoch: 1 });
      // The smallest goes with the large ones, and alone; the largest takes several parts.
      const contents = [Buffer.from([0x27]), EVERY_PAIR, Buffer.concat([Buffer.from([0x5c]), EVERY_PAIR, Buffer.from([0x81])]), randomBytes(5 * 1024 * 1024), Buffer.from([0x5c])];
      await writer.write(contents.slice(0, 4).map((data, block) => sealed(block, data)));
      await writer.write([sealed(4, contents[4]!)]);

      const [found] = await connection.query(`SELECT block, part, data FROM ${ledger.table('blocks')} WHERE source_id = 7 ORDER BY block, part`);
      const stored = new Map<number, Buffer[]>();
      for (const { block, data } of found as { block: string | number; data: Buffer }[]) stored.set(Number(block), [...stored.get(Number(block)) ?? [], data]);
      for (const [block, data] of contents.entries()) assert.ok(Buffer.concat(stored.get(block)!).equals(data), `block ${block}`);
      const [[session]] = await connection.query('SELECT @@character_set_client AS client, ? AS text', ['磨']) as unknown as [{ client: string; text: string }[]];
      assert.deepEqual({ ...session }, { client: 'utf8mb4', text: '磨' });
    });
  }
}
