import { quoteName } from '../core/identifiers.ts';
import { decompressColumn } from './literals/compressed.ts';
import type { Emit } from './literals/digits.ts';
import { writeHex } from './literals/digits.ts';
import { emitJson } from './literals/json.ts';
import { jsonExactEmitter } from './literals/json-exact.ts';
import { instantReader, mayBeEmpty, momentReader, valueEmitter } from './literals/literal.ts';
import { enumLabelEmitter } from './literals/labels.ts';
import { isNegative, isZero, refusingLostDigits } from './literals/numbers.ts';
import { isInvalidDate, isOddDate, newMoment } from './literals/temporal.ts';
import { emitBinary, emitTextBytes } from './literals/text.ts';
import { epochEmitter, isZeroTimestamp } from './literals/timestamp.ts';
import type { RenderOptions } from './options.ts';
import type { ColumnShape } from './shape.ts';

/** What a statement of the 'backup' form needs beyond a default session, as bits (its head makes the settings); and what form an INSERT must have. */
export const Need = {
  NOTHING: 0, SQL_MODE: 1, TIME_ZONE: 2,
  /** INSERT .. SELECT: VALUES takes no NULL for a NOT NULL column, whatever the mode. */
  SELECT: 4,
} as const;

/** All combinations of `Need`s are below it. */
export const NEEDS = 8;

/** Tells which `Need`s a value brings into a statement that holds it. */
export type NeedOf = (b: Buffer, start: number, end: number) => number;

/** The pieces of one column that statements are put together from. The emitters never see NULL. */
export interface ColumnCode {
  /** Backquoted name. */
  readonly name: string;
  /** The literal for VALUES and SET. */
  readonly value: Emit;
  /** A whole condition that finds the row through an index: the column's own equality. */
  readonly match: Emit;
  /** A whole condition that holds only for the very same bytes; the same emitter as `match` where equality is that exact. */
  readonly exact: Emit;
  /** Write `match` beside `exact`: it can use an index, `exact` cannot. */
  readonly matchFirst: boolean;
  /** Null when no value of this column ever needs anything. */
  readonly needOfValue: NeedOf | null;
  readonly needOfMatch: NeedOf | null;
  readonly needOfExact: NeedOf | null;
}

export function columnCode(column: ColumnShape, options: RenderOptions): ColumnCode {
  const name = quoteName(column.name);
  const { flavour, form } = options;
  const value = valueEmitter(column, form === 'script' ? 'utc' : flavour === 'mysql' ? 'offset' : 'epoch');
  const match = after(`${name}=`, value);
  const code: ColumnCode = { name, value, match, exact: match, matchFirst: false, needOfValue: null, needOfMatch: null, needOfExact: null };
  return { ...code, ...comparison(column, options, name, value, match), ...needs(column, options), value: refusingLostDigits(column, value) };
}

function around(before: string, emit: Emit, behind: string): Emit {
  const prefixed = after(before, emit);
  const suffix = Buffer.from(behind);
  return (out, b, s, e) => {
    prefixed(out, b, s, e);
    out.raw(suffix);
  };
}

function after(text: string, emit: Emit): Emit {
  const prefix = Buffer.from(text);
  return (out, b, s, e) => {
    out.raw(prefix);
    emit(out, b, s, e);
  };
}

/** Where equality with the literal is not possible or not exact. */
function comparison(column: ColumnShape, options: RenderOptions, name: string, value: Emit, match: Emit): Partial<Pick<ColumnCode, 'match' | 'exact' | 'matchFirst'>> {
  const { kind } = column;
  if (kind === 'text' && column.storedAs !== null) {
    const converted = around(`CAST(${name} AS BINARY)=CAST(CONVERT(`, value, ` USING ${column.storedAs}) AS BINARY)`);
    return { exact: converted, matchFirst: column.indexed };
  }
  if (kind === 'text') {
    const bytes = column.compressed ? throughPlain(emitTextBytes) : emitTextBytes;
    return { exact: after(`CAST(${name} AS BINARY)=`, bytes), matchFirst: column.indexed };
  }
  if (kind === 'json') return { match: after(`${name}=`, emitJson), exact: jsonExactEmitter(name) };
  if (kind === 'float' || kind === 'double') return { exact: signedZero(name, match) };
  if (column.relabelling) {
    if (kind === 'set') return {};
    const byLabel = after(`${name}=`, enumLabelEmitter(column.relabelling, 'number'));
    return { match: byLabel, exact: byLabel };
  }
  // A SET is compared as a double, which has 53 bits; also in a key, where no index then helps.
  if (kind === 'set' && column.meta > 6) {
    const whole = after(`CAST(${name} AS UNSIGNED)=`, value);
    return { match: whole, exact: whole };
  }
  const instant = instantReader(column);
  if (instant) return { exact: after(`UNIX_TIMESTAMP(${name})=`, epochEmitter(instant, column.fraction)) };
  if (kind === 'vector' && options.flavour === 'mysql') return { exact: after(`HEX(${name})=`, hexText) };
  if (kind === 'vector' || kind === 'geometry') {
    const bytes = after(`${name}=`, emitBinary);
    return { match: bytes, exact: bytes };
  }
  return {};
}

/** `'0A..'`: what HEX(column) gives; MySQL has no equality for VECTOR. */
const hexText: Emit = (out, b, s, e) => {
  const at = out.length;
  writeHex(out, b, s, e);
  // Drop the X of X'..'.
  out.bytes.copyWithin(at, at + 1, out.length);
  out.length--;
};

function throughPlain(emit: Emit): Emit {
  return (out, b, s, e) => {
    const plain = decompressColumn(b, s, e);
    emit(out, plain, 0, plain.length);
  };
}

/** 0 and -0 are equal, but not the same bytes: their text tells, once *1e0 has taken declared decimals and ZEROFILL off. */
function signedZero(name: string, match: Emit): Emit {
  return (out, b, s, e) => {
    match(out, b, s, e);
    if (isZero(b, s, e)) out.text(` AND CAST(${name}*1e0 AS CHAR)='${isNegative(b, e) ? '-0' : '0'}'`);
  };
}

type Needs = Partial<Pick<ColumnCode, 'needOfValue' | 'needOfMatch' | 'needOfExact'>>;

function needs(column: ColumnShape, options: RenderOptions): Needs {
  const mysql = options.flavour === 'mysql';
  if (mayBeEmpty(column)) {
    const empty = options.form === 'backup' ? Need.SELECT | Need.SQL_MODE : Need.SELECT;
    return { needOfValue: (_, s, e) => (s === e ? empty : Need.NOTHING) };
  }
  if (options.form === 'script') return {};
  const date = momentReader(column);
  if (date) {
    const moment = newMoment();
    const isOdd = mysql ? isOddDate : isInvalidDate;
    const need: NeedOf = (b, s) => {
      date(b, s, moment);
      return isOdd(moment) ? Need.SQL_MODE : Need.NOTHING;
    };
    return { needOfValue: need, needOfMatch: need, needOfExact: need };
  }
  const instant = instantReader(column);
  if (instant) {
    const isZeroInstant = isZeroTimestamp(instant);
    const strict: NeedOf = (b, s) => (isZeroInstant(b, s) ? Need.SQL_MODE : Need.NOTHING);
    if (mysql) return { needOfValue: strict, needOfMatch: (b, s) => (isZeroInstant(b, s) ? Need.SQL_MODE : Need.TIME_ZONE) };
    if (options.exactFromUnixtime === true) return {};
    const repeatedHour: NeedOf = (b, s) => (isZeroInstant(b, s) ? Need.NOTHING : Need.TIME_ZONE);
    return { needOfValue: repeatedHour, needOfMatch: repeatedHour };
  }
  if (column.kind === 'enum') {
    return { needOfValue: (b, s, e) => (allZero(b, s, e) ? Need.SQL_MODE : Need.NOTHING) };
  }
  return {};
}

export function allZero(b: Buffer, s: number, e: number): boolean {
  for (let i = s; i < e; i++) if (b[i] !== 0) return false;
  return true;
}
