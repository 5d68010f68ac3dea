import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BinlogDecoder } from '../../src/binlog/decoder.ts';
import { EventType } from '../../src/binlog/event-type.ts';
import type { EventHeader } from '../../src/binlog/events.ts';
import { UndoError } from '../../src/core/errors.ts';

describe('a TRANSACTION_PAYLOAD inside a TRANSACTION_PAYLOAD', () => {
  it('is a corrupt stream, not a fault of ours', () => {
    const inner = Buffer.alloc(40);
    inner[4] = EventType.TRANSACTION_PAYLOAD;
    inner.writeUInt32LE(inner.length, 9);
    const carrier: EventHeader = { timestamp: 0, type: EventType.TRANSACTION_PAYLOAD, serverId: 1, flags: 0, file: 'binlog.000001', start: 4, end: 200, crc: 0 };
    assert.throws(() => new BinlogDecoder('mysql').decodeInner(carrier, inner, 0, inner.length), (error: unknown) => error instanceof UndoError && error.code === 'EVENT_CORRUPT');
  });
});
