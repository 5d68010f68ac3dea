import type { ColumnDefinition } from '../schema/definition.ts';
import { charsetByName, type Charset } from './charsets.ts';
import { membersMoved } from './members.ts';

/*
 * Whether every value that a column could hold goes into another definition of it unchanged. What is not listed here is refused:
 * a script runs without strict mode, so a value that does not fit would be cut, not refused, by the server.
 */

const INTS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };
/** Bytes that the types with a length prefix can hold. */
const LOBS: Readonly<Record<string, number>> = { tiny: 255, '': 65_535, medium: 16_777_215, long: 4_294_967_295 };
const COMPRESSED = / ?\/\*M?!\d+ COMPRESSED\*\//i;

const plainType = ({ columnType }: ColumnDefinition): string => columnType.replace(COMPRESSED, '').toLowerCase();
const isUnsigned = (column: ColumnDefinition): boolean => /\b(unsigned|zerofill)\b/.test(plainType(column));
const numbersOf = (column: ColumnDefinition): number[] => (/^\w+\(([\d,]+)\)/.exec(plainType(column))?.[1] ?? '').split(',').filter((text) => text !== '').map(Number);
const lob = (column: ColumnDefinition, kind: 'text' | 'blob'): number | undefined =>
  (column.dataType.endsWith(kind) ? LOBS[column.dataType.slice(0, -kind.length)] : undefined);

/** True when every value of `then` goes into `now` without loss. */
export function hasRoom(then: ColumnDefinition, now: ColumnDefinition): boolean {
  if (plainType(then) === plainType(now) && then.characterSet === now.characterSet) return true;
  if (membersMoved(then, now)) return true;
  if (then.characterSet !== null || now.characterSet !== null) return textRoom(then, now);
  if (then.dataType in INTS) return intRoom(then, now);
  switch (then.dataType) {
    case 'decimal': return now.dataType === 'decimal' && digitsRoom(decimalDigits(then), then, now);
    case 'bit': return now.dataType === 'bit' && (numbersOf(now)[0] ?? 1) >= (numbersOf(then)[0] ?? 1);
    case 'date': return now.dataType === 'datetime';
    case 'time': case 'datetime': case 'timestamp':
      return now.dataType === then.dataType && (numbersOf(now)[0] ?? 0) >= (numbersOf(then)[0] ?? 0);
    case 'varbinary': case 'tinyblob': case 'blob': case 'mediumblob': case 'longblob':
      return bytesOf(now, 'blob') >= bytesOf(then, 'blob');
    default: return false;
  }
}

function intRoom(then: ColumnDefinition, now: ColumnDefinition): boolean {
  const bits = INTS[then.dataType]!;
  if (now.dataType === 'decimal') {
    const digits = String(isUnsigned(then) ? 2n ** BigInt(bits) - 1n : 2n ** BigInt(bits - 1)).length;
    return digitsRoom({ whole: digits, fraction: 0 }, then, now);
  }
  const room = INTS[now.dataType];
  if (room === undefined || (isUnsigned(now) && !isUnsigned(then))) return false;
  return isUnsigned(then) && !isUnsigned(now) ? room > bits : room >= bits;
}

function decimalDigits(column: ColumnDefinition): { whole: number; fraction: number } {
  const [precision = 10, fraction = 0] = numbersOf(column);
  return { whole: precision - fraction, fraction };
}

function digitsRoom(needed: { whole: number; fraction: number }, then: ColumnDefinition, now: ColumnDefinition): boolean {
  const room = decimalDigits(now);
  return room.whole >= needed.whole && room.fraction >= needed.fraction && (isUnsigned(then) || !isUnsigned(now));
}

/** Bytes that a type of variable length holds; 0 for any other type. */
function bytesOf(column: ColumnDefinition, kind: 'text' | 'blob'): number {
  return column.dataType === 'varbinary' ? numbersOf(column)[0] ?? 0 : lob(column, kind) ?? 0;
}

/** Charsets whose every character the other one has; each of them has been compared on the servers. */
const CONTAINED: Readonly<Record<string, readonly string[]>> = {
  ascii: ['latin1', 'utf8mb3', 'utf8mb4'], latin1: ['utf8mb3', 'utf8mb4'], utf8mb3: ['utf8mb4'],
};

function textRoom(then: ColumnDefinition, now: ColumnDefinition): boolean {
  const from = charsetOf(then);
  const to = charsetOf(now);
  if (!from || !to || (from !== to && !(CONTAINED[from.name] ?? []).includes(to.name))) return false;
  const characters = then.dataType === 'char' || then.dataType === 'varchar' ? numbersOf(then)[0] ?? 1 : null;
  if (now.dataType === 'char') return then.dataType === 'char' && numbersOf(now)[0]! >= characters!;
  if (now.dataType === 'varchar') return characters !== null && numbersOf(now)[0]! >= characters;
  const room = lob(now, 'text');
  if (room === undefined) return false;
  if (characters !== null) return room >= characters * to.maxBytes;
  const held = lob(then, 'text');
  return held !== undefined && room >= (sameBytes(from, to) ? held : held * to.maxBytes);
}

const charsetOf = ({ characterSet }: ColumnDefinition): Charset | undefined => (characterSet === null ? undefined : charsetByName(characterSet));

/** Whether text of one is, byte for byte, the same text in the other. */
function sameBytes(from: Charset, to: Charset): boolean {
  return from === to || from.name === 'ascii' || (from.utf8 && to.utf8);
}

/** The charset that the server converts the column's text to; null where the bytes stay the same. */
export function convertedTo(then: ColumnDefinition, now: ColumnDefinition): string | null {
  const from = charsetOf(then);
  const to = charsetOf(now);
  return from && to && !sameBytes(from, to) ? to.name : null;
}
