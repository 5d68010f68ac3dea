import type { ColumnShape, TableShape } from '../shape.ts';

/**
 * How the bytes of a key's column are compared.
 * `bytes`: as they are; `trim`: text of a binary collation, without the spaces at its end; `fold`: text of a collation under which
 * printable ASCII differs in case at most; `server`: only the server can tell.
 */
export type PartMode = 'bytes' | 'trim' | 'fold' | 'server';

/** Collations under which two texts of printable ASCII are equal only if they are in lower case, spaces at the end aside. */
const FOLDING = new RegExp(`^(${[
  '(utf8|utf8mb3|utf8mb4|ucs2)_(general|unicode|unicode_520|general_mysql500)_(nopad_)?ci',
  'utf8mb4_0900_(ai|as)_(ci|cs)',
  '((utf8mb3|utf8mb4|utf8)_)?uca1400_(nopad_)?(ai|as)_(ci|cs)',
  'latin1_(swedish_(nopad_)?ci|general_ci|general_cs)',
  'ascii_general_(nopad_)?ci',
].join('|')})$`);

/** @param whole the part identifies a row by all of its bytes. */
export function partMode(shape: TableShape, column: ColumnShape, whole: boolean): PartMode {
  if (whole) return 'bytes';
  // 0 and -0 are equal; and a compressed value is not its own bytes.
  if (column.kind === 'float' || column.kind === 'double' || column.compressed || column.relabelling !== null) return 'server';
  if (column.kind !== 'text') return 'bytes';
  const collation = shape.definition.columns[column.index]!.collation ?? '';
  if (/_bin$/.test(collation) && column.charset?.ascii === true) return 'trim';
  return FOLDING.test(collation) && column.charset?.ascii === true ? 'fold' : 'server';
}

const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

/** Where text ends without the spaces at its end. */
export function trimmedEnd(b: Buffer, start: number, end: number): number {
  let last = end;
  while (last > start && b[last - 1] === 0x20) last--;
  return last;
}

export function isPrintableAscii(b: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (b[i]! < 0x20 || b[i]! > 0x7e) return false;
  return true;
}

/**
 * Where a value ends of which only so many characters count, or bytes of binary ones; -1 when only the server can tell, as the
 * text begins with others than ASCII.
 */
export function prefixEnd(b: Buffer, start: number, end: number, prefix: number, mode: PartMode): number {
  const last = Math.min(end, start + prefix);
  if (mode !== 'bytes') for (let i = start; i < last; i++) if (b[i]! > 0x7f) return -1;
  return last;
}

export const lower = (byte: number): number => LOWER[byte]!;
