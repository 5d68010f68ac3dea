import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFullImage, parseRowsEvent } from '../../src/binlog/rows-event.ts';
import { UndoError } from '../../src/core/errors.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('rows-event headers', () => {
  it('reads version 2 with extra data, behind other bytes of the packet', () => {
    const body = bytes('5b0000000000 0100 0500 aabbcc 09 ff01 0000 2a');
    const buffer = Buffer.concat([Buffer.from('xx'), body, Buffer.from('crc!')]);
    const rows = parseRowsEvent(30, buffer, 2, 2 + body.length);
    assert.equal(rows.kind, 'insert');
    assert.equal(rows.tableId, 0x5b);
    assert.equal(rows.flags, 1);
    assert.equal(rows.columnCount, 9);
    assert.equal(rows.presentAt, 2 + 14);
    assert.equal(rows.presentAfterAt, rows.presentAt);
    assert.equal(rows.rowsStart, 2 + 16);
    assert.equal(rows.rowsEnd, 2 + body.length);
    assert.equal(isFullImage(rows), true);
  });

  it('reads version 1, which has no extra data, and both bitmaps of an update', () => {
    const body = bytes('010000000000 0000 03 07 05 00');
    const rows = parseRowsEvent(24, body, 0, body.length);
    assert.equal(rows.kind, 'update');
    assert.equal(rows.presentAfterAt, rows.presentAt + 1);
    assert.equal(isFullImage(rows), false);
  });

  it('counts unused bits of the bitmap as nothing', () => {
    const body = bytes('010000000000 0000 03 07');
    assert.equal(isFullImage(parseRowsEvent(25, body, 0, body.length)), true);
    body[9] = 0x03;
    assert.equal(isFullImage(parseRowsEvent(25, body, 0, body.length)), false);
  });

  it('refuses what is cut off or of another type', () => {
    const body = bytes('5b0000000000 0100 0200 09 ff01');
    for (let end = 0; end < body.length; end++) {
      assert.throws(() => parseRowsEvent(31, body, 0, end), (error: unknown) => error instanceof UndoError && error.code === 'EVENT_CORRUPT');
    }
    assert.throws(() => parseRowsEvent(40, body, 0, body.length), (error: unknown) => error instanceof UndoError && error.code === 'EVENT_UNSUPPORTED');
  });
});
