import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EventHeader, QueryEvent } from '../../src/binlog/events.ts';
import { QueryReader } from '../../src/binlog/query-event.ts';

const HEADER: EventHeader = { timestamp: 0, type: 2, serverId: 1, flags: 0, file: 'binlog.000001', start: 4, end: 100, crc: 0 };

/** Three collations as status variable 4 tells them, in a body of a QUERY event. */
function body(threadId: number, schema: string, errorCode: number, charset: number, sql: string): Buffer {
  const status = Buffer.from([4, charset, 0, 8, 0, 255, 0]);
  const head = Buffer.alloc(13);
  head.writeUInt32LE(threadId, 0);
  head.writeUInt32LE(threadId * 7, 4);
  head.writeUInt8(schema.length, 8);
  head.writeUInt16LE(errorCode, 9);
  head.writeUInt16LE(status.length, 11);
  return Buffer.concat([head, status, Buffer.from(`${schema}\0${sql}`)]);
}

const plain = ({ threadId, errorCode, schema, sql, charset, class: { kind } }: QueryEvent): unknown => ({ threadId, errorCode, schema, sql: sql.toString(), charset, kind });

it('a BEGIN that was seen before is told apart by each of its bytes, and by the thread', () => {
  const reader = new QueryReader('mysql');
  // More kinds of sessions than are remembered, three times round; one buffer for all, as the socket has it.
  const room = Buffer.alloc(200);
  for (let round = 0; round < 3; round++) {
    for (let kind = 0; kind < 12; kind++) {
      const [threadId, schema, errorCode, charset, sql] = [round * 100 + kind, kind % 2 ? 'shop' : 'shoq', kind >> 3, 8 + (kind >> 1) % 4, kind % 3 ? 'BEGIN' : 'begin'] as const;
      const event = body(threadId, schema, errorCode, charset, sql);
      const at = round + kind;
      event.copy(room, at);
      const read = reader.read(HEADER, room, at, at + event.length);
      assert.equal(read.header, HEADER);
      assert.deepEqual(plain(read), { threadId, errorCode, schema, sql, charset, kind: 'begin' });
      room.fill(0xee);
    }
  }
});

it('a statement that begins like a known BEGIN is read by itself', () => {
  const reader = new QueryReader('mysql');
  const read = (sql: string): string => {
    const event = body(1, 'shop', 0, 8, sql);
    return reader.read(HEADER, event, 0, event.length).class.kind;
  };
  assert.deepEqual(['BEGIN', 'BEGIN', 'BEGIN WORK', 'COMMIT', 'BEGIN', 'DROP TABLE a', 'BEGIN'].map(read), ['begin', 'begin', 'begin', 'commit', 'begin', 'ddl', 'begin']);
});

it('a body that is cut short does not pass for a known BEGIN', () => {
  const reader = new QueryReader('mysql');
  const event = body(1, 'shop', 0, 8, 'BEGIN');
  reader.read(HEADER, event, 0, event.length);
  for (let end = 0; end < 24; end++) assert.throws(() => reader.read(HEADER, event, 0, end), RangeError, `${end} bytes`);
});
