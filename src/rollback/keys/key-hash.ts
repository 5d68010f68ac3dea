import { columnLength } from '../locate.ts';
import type { TableShape } from '../shape.ts';
import { lower, partMode, prefixEnd, trimmedEnd, type PartMode } from './key-part.ts';
import type { KeyList } from './key-lists.ts';

/**
 * Writes for each list the hash (32 bits) of one row image whose spans start at S[o]: `NONE` when the row takes no part
 * because a column is NULL, the list's `anyOf` when a text stands there that only the server can compare.
 */
export type HashKeys = (b: Buffer, S: Int32Array, o: number, out: Float64Array) => void;

export const NONE = -1;

/** What a list's values are hashed with: lists of one table must not meet. */
export function seedOf(columns: readonly number[], whole: boolean, prefixes: KeyList['prefixes'] = []): number {
  let seed = whole ? 0x51ed270b : 0x2545f491;
  for (const column of columns) seed = Math.imul(seed ^ (column + 1), PRIME);
  for (const prefix of prefixes) seed = Math.imul(seed ^ ((prefix ?? 0) + 1), PRIME);
  return mix(seed) | 0;
}

/** Stands in for every value of a list that only the server can compare. */
export function anyOf(seed: number): number {
  return mix(seed ^ 0x57494c44);
}

/** What is to be hashed of a row: in this order of columns, with this seed. */
export interface HashedList extends KeyList {
  readonly seed: number;
}

export const hashed = (list: KeyList): HashedList => ({ ...list, seed: seedOf(list.columns, list.whole, list.prefixes) });

const PRIME = 0x01000193;

function mix(h: number): number {
  let x = h;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

function bytesHash(from: number, b: Buffer, s: number, e: number): number {
  let h = from;
  for (let i = s; i < e; i++) h = Math.imul(h ^ b[i]!, PRIME);
  return Math.imul(h ^ (e - s), PRIME);
}

function trimHash(from: number, b: Buffer, s: number, e: number): number {
  return bytesHash(from, b, s, trimmedEnd(b, s, e));
}

/** The hash as an unsigned number, or -1 for text beyond printable ASCII. */
function foldHash(from: number, b: Buffer, s: number, e: number): number {
  const end = trimmedEnd(b, s, e);
  let h = from;
  for (let i = s; i < end; i++) {
    const byte = b[i]!;
    if (byte < 0x20 || byte > 0x7e) return -1;
    h = Math.imul(h ^ lower(byte), PRIME);
  }
  return Math.imul(h ^ (end - s), PRIME) >>> 0;
}

/** The same of a key's part of a column; -1 as well for text whose part does not show where it ends. */
function prefixHash(from: number, b: Buffer, s: number, e: number, prefix: number, mode: PartMode): number {
  const end = prefixEnd(b, s, e, prefix, mode);
  if (end < 0) return -1;
  return mode === 'fold' ? foldHash(from, b, s, end) : (mode === 'trim' ? trimHash(from, b, s, end) : bytesHash(from, b, s, end)) >>> 0;
}

function wholeHash(seed: number, columns: readonly number[], b: Buffer, S: Int32Array, o: number): number {
  let h = seed;
  for (const column of columns) {
    const start = S[o + 2 * column]!;
    h = start < 0 ? Math.imul(h ^ 0x4e554c4c, PRIME) : bytesHash(h, b, start, S[o + 2 * column + 1]!);
  }
  return mix(h);
}

/** Straight-line code for the lists of one shape: no loop over columns, and short values byte by byte in place. */
export function compileHashKeys(shape: TableShape, lists: readonly HashedList[]): HashKeys {
  const body = lists.map((list, place) => (list.whole
    ? `  out[${place}] = wholeHash(${list.seed}, whole_${place}, b, S, o);`
    : listCode(shape, list, place)));
  const code = `'use strict';
return function hashKeys(b, S, o, out) {
  let h = 0, p = 0, t = 0, asked = false;
${body.join('\n')}
};`;
  const helpers = { mix, bytesHash, trimHash, foldHash, wholeHash, prefixHash };
  const wholes = lists.flatMap((list, place) => (list.whole ? [[`whole_${place}`, list.columns] as const] : []));
  // Compiled per table shape: only numbers and words of our own stand in this code, never a name or a value.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const make = new Function(...Object.keys(helpers), ...wholes.map(([name]) => name), code) as (...parts: unknown[]) => HashKeys;
  return make(...Object.values(helpers), ...wholes.map(([, columns]) => columns));
}

function listCode(shape: TableShape, { columns, seed, prefixes }: HashedList, place: number): string {
  const parts = columns.map((index, i) => {
    const mode = partMode(shape, shape.columns[index]!, false);
    const prefix = prefixes?.[i] ?? null;
    return prefix === null || mode === 'server' ? partCode(shape, index, mode)
      : `t = prefixHash(h, b, S[o + ${2 * index}], S[o + ${2 * index + 1}], ${prefix}, '${mode}'); if (t < 0) asked = true; else h = t | 0;`;
  });
  const nulls = columns.map((index) => `S[o + ${2 * index}] < 0`).join(' || ');
  return `  if (${nulls}) out[${place}] = ${NONE};
  else {
    h = ${seed}; asked = false;
${parts.map((part) => `    ${part}`).join('\n')}
    out[${place}] = asked ? ${anyOf(seed)} : mix(h);
  }`;
}

/** Values of at most so many bytes are hashed in place. */
const IN_PLACE = 8;

function partCode(shape: TableShape, index: number, mode: PartMode): string {
  const start = `S[o + ${2 * index}]`;
  const end = `S[o + ${2 * index + 1}]`;
  switch (mode) {
    case 'server': return 'asked = true;';
    case 'fold': return `t = foldHash(h, b, ${start}, ${end}); if (t < 0) asked = true; else h = t | 0;`;
    case 'trim': return `h = trimHash(h, b, ${start}, ${end});`;
    case 'bytes': {
      const length = columnLength(shape.columns[index]!);
      if (!('fixed' in length) || length.fixed > IN_PLACE) return `h = bytesHash(h, b, ${start}, ${end});`;
      const steps = Array.from({ length: length.fixed }, (_, i) => `h = Math.imul(h ^ b[p + ${i}], ${PRIME});`);
      return `p = ${start}; ${steps.join(' ')} h = Math.imul(h ^ ${length.fixed}, ${PRIME});`;
    }
  }
}
