import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowWalker } from '../../src/binlog/row-walker.ts';
import { ColumnType, type RowsEvent, type TableMap, type TableMapColumn } from '../../src/binlog/types.ts';

const column = (type: number): TableMapColumn => ({ type, meta: 0, nullable: true, unsigned: null, collation: null, name: null, members: null, visible: null });

function walkerOf(...types: number[]): RowWalker {
  const map: TableMap = { tableId: 1, schema: 's', table: 't', columns: types.map(column), primaryKey: null, metadata: 'none' };
  return new RowWalker(map);
}

function rowsOf(columns: number, hex: string): RowsEvent {
  const buffer = Buffer.concat([Buffer.from([0xff]), Buffer.from(hex.replaceAll(' ', ''), 'hex')]);
  return { kind: 'insert', tableId: 1, flags: 0, columnCount: columns, buffer, presentAt: 0, presentAfterAt: 0, rowsStart: 1, rowsEnd: buffer.length, partialJson: false };
}

/** TIME(3) as MariaDB writes it: -01:02:03.987 and 00:00:00. */
const PRECISE = 'fe 00b3cd f2a5 fe 00b4 3b2f80';

test('rows of old temporal columns are counted where only one count fits', () => {
  assert.equal(walkerOf(ColumnType.TIME).count(rowsOf(1, PRECISE)), 2);
  assert.equal(walkerOf(ColumnType.TIME).count(rowsOf(1, 'ff ff ff')), 3, 'NULL has no width');
  assert.equal(walkerOf(ColumnType.TIMESTAMP).count(rowsOf(1, 'fe 6b005393 01')), 1);
});

test('rows that may be of two numbers are refused, unless an event before has told the width', () => {
  // Three times of three bytes, or two of five.
  const either = 'fe 000000 fe 38fe7e fe 000000';
  assert.throws(() => walkerOf(ColumnType.TIME).count(rowsOf(1, either)), /may be 3 or 2/);
  const walker = walkerOf(ColumnType.TIME);
  assert.equal(walker.count(rowsOf(1, PRECISE)), 2);
  assert.equal(walker.count(rowsOf(1, either)), 2);
});

test('bytes that are no rows of such columns are refused', () => {
  for (const hex of ['fe 6b', 'fe 3f3f3f 00', '00 000000']) {
    assert.throws(() => walkerOf(ColumnType.TIME).count(rowsOf(1, hex)), RangeError, hex);
  }
});
