import { valueLength, type ValueLength } from '../binlog/value-length.ts';
import { UndoError } from '../core/errors.ts';
import type { ColumnShape } from './shape.ts';

/**
 * Finds the columns of one full row image that starts at `at` and must end by `end`.
 * Writes for column i the start and end of its value to spans[base + 2i] and [base + 2i + 1]; start -1 is NULL.
 * Length prefixes are not part of a span. Returns where the image ends, or -1 when it passes `end`; the spans then mean nothing.
 */
export type Locate = (bytes: Buffer, at: number, end: number, spans: Int32Array, base: number) => number;

/** V8 stops optimising functions of a few thousand statements, so wide tables are located in stretches. */
const STRETCH = 64;

/** @throws UndoError EVENT_UNSUPPORTED for a type that this release does not know. */
export function columnLength(column: ColumnShape): ValueLength {
  const length = valueLength(column.type, column.meta, column.fraction);
  if (!length) throw new UndoError('EVENT_UNSUPPORTED', `Column ${column.name} has type ${column.type}, which this release cannot read.`);
  return length;
}

/** Writes straight-line code: one null test and one length per column. */
export function compileLocate(columns: readonly ColumnShape[]): Locate {
  const nullBytes = (columns.length + 7) >> 3;
  const stretches: string[] = [];
  for (let from = 0; from < columns.length; from += STRETCH) {
    stretches.push(stretchCode(columns.slice(from, from + STRETCH), from / STRETCH));
  }
  const calls = stretches.map((_, i) => `  p = stretch${i}(b, at, p, spans, base);`).join('\n');
  const code = `'use strict';
${stretches.join('\n')}
return function locate(b, at, end, spans, base) {
  let p = at + ${nullBytes};
${calls}
  // Not p > end: a length read behind the buffer makes p NaN.
  return p <= end ? p : -1;
};`;
  // Compiled per table shape: only numbers of our own stand in this code, never a name or a value.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  return (new Function(code) as () => Locate)();
}

function stretchCode(columns: readonly ColumnShape[], number: number): string {
  const body = columns.map((column) => {
    const slot = `base + ${2 * column.index}`;
    const isNull = `(b[at + ${column.index >> 3}] & ${1 << (column.index & 7)}) !== 0`;
    return `  if (${isNull}) spans[${slot}] = -1;
  else { ${valueCode(column)} spans[${slot}] = p; p += n; spans[${slot} + 1] = p; }`;
  });
  return `function stretch${number}(b, at, p, spans, base) {
  let n = 0;
${body.join('\n')}
  return p;
}`;
}

const PREFIX_CODE = [
  '',
  'n = b[p]; p += 1;',
  'n = b[p] | b[p + 1] << 8; p += 2;',
  'n = b[p] | b[p + 1] << 8 | b[p + 2] << 16; p += 3;',
  'n = (b[p] | b[p + 1] << 8 | b[p + 2] << 16 | b[p + 3] << 24) >>> 0; p += 4;',
] as const;

function valueCode(column: ColumnShape): string {
  const length = columnLength(column);
  if ('fixed' in length) return `n = ${length.fixed};`;
  const code = PREFIX_CODE[length.prefix];
  if (!code) throw new UndoError('EVENT_UNSUPPORTED', `Column ${column.name} has a length prefix of ${length.prefix} bytes.`);
  return code;
}
