import { BlockBuilder, type BlockContents, type RowsRecord } from '../store/block-format.ts';
import type { MatchedRows } from './erase-match.ts';

/**
 * A block without some of its rows and statements; everything else is as it was. A rows event that loses its last row stays,
 * empty: its flags tell where statements end.
 */
export function blockWithout(
  contents: BlockContents, rows: ReadonlyMap<RowsRecord, MatchedRows>, isTextErased: (tag: number, operation: number) => boolean,
): Buffer {
  const block = new BlockBuilder();
  for (const record of contents.rows) {
    const body = bodyWithout(contents.bytes, record, rows.get(record) ?? null);
    block.rows(record.tag, record.operation, record.tableMap, record.type, record.offset, body, 0, body.length);
  }
  for (const { tag, operation, text } of contents.statements) if (!isTextErased(tag, operation)) block.statement(tag, operation, text);
  return block.take();
}

function bodyWithout(bytes: Buffer, record: RowsRecord, matched: MatchedRows | null): Buffer {
  if (!matched) return bytes.subarray(record.start, record.end);
  const kept: Buffer[] = [];
  let at = record.start;
  for (const { start, end } of matched.rows) {
    kept.push(bytes.subarray(at, start));
    at = end;
  }
  return Buffer.concat([...kept, bytes.subarray(at, record.end)]);
}
