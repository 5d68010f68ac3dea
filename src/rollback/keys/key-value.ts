import type { SqlBuffer } from '../../core/sql-buffer.ts';
import { decompressColumn } from '../literals/compressed.ts';
import { valueEmitter } from '../literals/literal.ts';
import type { ColumnShape, TableShape } from '../shape.ts';
import type { KeyList } from './key-lists.ts';
import { isPrintableAscii, lower, partMode, prefixEnd, trimmedEnd } from './key-part.ts';

/** One column of a key's value: equal `bytes` are equal values, unless there is a text that the server has to compare. */
export interface KeyValuePart {
  readonly bytes: string;
  /** `prefix`: only so many characters count. `local`: its `bytes` are a form that tells texts of printable ASCII apart as the server would. */
  readonly text: { readonly charset: string; readonly collation: string; readonly local: boolean; readonly raw: string; readonly prefix: number | null } | null;
}

export function keyParts(shape: TableShape, list: KeyList, b: Buffer, spans: Int32Array, base: number): KeyValuePart[] {
  return list.columns.map((index, i) => partOf(shape, shape.columns[index]!, list, list.prefixes?.[i] ?? null, b, spans[base + 2 * index]!, spans[base + 2 * index + 1]!));
}

function partOf(shape: TableShape, column: ColumnShape, { whole }: KeyList, prefix: number | null, b: Buffer, start: number, stored: number): KeyValuePart {
  if (start < 0) return { bytes: 'NULL', text: null };
  const plain = (from: Buffer, s: number, e: number): string => `=${from.toString('latin1', s, e)}`;
  const mode = partMode(shape, column, whole);
  const cut = prefix === null || mode === 'server' ? stored : prefixEnd(b, start, stored, prefix, mode);
  const end = cut < 0 ? stored : cut;
  if (mode === 'bytes') return { bytes: plain(b, start, end), text: null };
  if (mode === 'trim' && cut >= 0) return { bytes: plain(b, start, trimmedEnd(b, start, end)), text: null };
  if (column.kind === 'float') return { bytes: `=${b.readFloatLE(start) + 0}`, text: null };
  if (column.kind === 'double') return { bytes: `=${b.readDoubleLE(start) + 0}`, text: null };
  if (column.kind !== 'text') return { bytes: plain(b, start, end), text: null };
  const value = column.compressed ? decompressColumn(b, start, end) : b.subarray(start, end);
  const { characterSet, collation } = shape.definition.columns[column.index]!;
  const stop = trimmedEnd(value, 0, value.length);
  const local = mode === 'fold' && cut >= 0 && isPrintableAscii(value, 0, stop);
  const folds = /_ci$/.test(collation ?? '');
  const folded = folds ? Buffer.from(value.subarray(0, stop)).map(lower) : value.subarray(0, stop);
  return {
    bytes: `=${Buffer.from(folded).toString('latin1')}`,
    text: { charset: characterSet ?? 'binary', collation: collation ?? 'binary', local, raw: value.toString('hex'), prefix },
  };
}

/** The value as SQL, for people. */
export function showValue(column: ColumnShape, out: SqlBuffer, b: Buffer, start: number, end: number): void {
  if (start < 0) out.text('NULL');
  else valueEmitter(column, 'utc')(out, b, start, end);
}
