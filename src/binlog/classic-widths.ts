import { u16, u24, u32 } from '../core/bytes.ts';
import { ColumnType, type RowsEvent, type TableMapColumn } from './types.ts';
import { CLASSIC_DATETIME_BYTES, CLASSIC_TIME_BYTES, CLASSIC_TIMESTAMP_BYTES } from './value-length.ts';

/*
 * MariaDB's temporal columns of the formats before MySQL 5.6 have as many bytes as their digits of fraction need, and
 * TABLE_MAP does not tell those digits. But the rows of an event must fill it exactly and hold only values that such columns
 * can hold: so the widths that do not fit are ruled out, and a count on which all others agree is the count.
 */

const T = ColumnType;
const WIDTHS: Readonly<Record<number, readonly number[]>> = {
  [T.TIME]: [...new Set(CLASSIC_TIME_BYTES)], [T.DATETIME]: [...new Set(CLASSIC_DATETIME_BYTES)], [T.TIMESTAMP]: [...new Set(CLASSIC_TIMESTAMP_BYTES)],
};

export function isClassic(type: number): boolean {
  return type in WIDTHS;
}

const DATETIME_SECONDS = 10_000 * 13 * 32 * 24 * 3600;
const TIME_SECONDS = 2 * 3_020_400;

function unsigned(b: Buffer, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + b[at + i]!;
  return value;
}

/** False for bytes that no value of the type with so many bytes has; never for those of one that has. */
function canBe(type: number, width: number, b: Buffer, at: number): boolean {
  if (type === T.TIMESTAMP) return width === 4 || unsigned(b, at + 4, width - 4) < 100 ** (width - 4);
  if (type === T.TIME) {
    if (width > 3) return unsigned(b, at, width) <= TIME_SECONDS * { 4: 1e2, 5: 1e5, 6: 1e6 }[width as 4];
    const digits = Math.abs((u24(b, at) << 8) >> 8);
    return digits <= 8_385_959 && digits % 100 < 60 && Math.floor(digits / 100) % 100 < 60;
  }
  // Up to 2^56 exactly enough; of more digits only the head counts here.
  if (width < 8) return unsigned(b, at, width) < DATETIME_SECONDS * (width === 6 ? 1e2 : 1e5);
  return unsigned(b, at, 8) < DATETIME_SECONDS * 1e6 || isDigits(u32(b, at) + u32(b, at + 4) * 0x1_0000_0000);
}

function isDigits(value: number): boolean {
  const time = value % 1e6;
  const date = Math.floor(value / 1e6);
  return date <= 99_991_231 && Math.floor(date / 100) % 100 <= 12 && date % 100 <= 31 && time <= 235_959 && time % 100 < 60 && Math.floor(time / 100) % 100 < 60;
}

/** Where in the rows a search goes on. */
interface Place {
  readonly at: number;
  /** Begin of the image; -1: the next one begins here. */
  readonly image: number;
  readonly column: number;
  readonly bit: number;
  readonly after: boolean;
  readonly count: number;
}

/** Columns looked at for one event before it is given up. */
const MOST_STEPS = 5_000_000;

/** Finds out how many rows events of one table hold, and with them the widths of its columns. */
export class ClassicWidths {
  readonly #rules: Int32Array;
  readonly #types: Int32Array;
  /** Of classic columns, once it is certain; else 0. */
  readonly #known: Int32Array;
  #rows!: RowsEvent;
  #widths!: Int32Array;
  #steps = 0;
  #count: number | null = null;
  #solutions = 0;
  #solution!: Int32Array;

  /** @param rules as in `RowWalker`, those of classic columns are not looked at. */
  constructor(columns: readonly TableMapColumn[], rules: Int32Array) {
    this.#rules = rules;
    this.#types = Int32Array.from(columns, ({ type }) => (isClassic(type) ? type : -1));
    this.#known = new Int32Array(columns.length);
  }

  /** @throws RangeError when the rows do not fit the TABLE_MAP, or more than one count is possible. */
  count(rows: RowsEvent): number {
    this.#rows = rows;
    this.#widths = Int32Array.from(this.#known);
    this.#steps = this.#solutions = 0;
    const count = this.#search(rows.rowsStart);
    if (count === null) throw new RangeError('the rows do not fill the event, whatever digits of fraction its columns of old temporal formats have');
    // The one that fits is the one that is.
    if (this.#solutions === 1) this.#known.set(this.#solution);
    return count;
  }

  #search(at: number): number | null {
    this.#count = null;
    this.#walk({ at, image: -1, column: 0, bit: 0, after: false, count: 0 });
    return this.#count;
  }

  #walk({ at, image, column, bit, after, count }: Place): void {
    const { buffer, rowsEnd, presentAt, presentAfterAt, kind } = this.#rows;
    const rules = this.#rules;
    for (let i = column; ; i = 0) {
      const bitmap = after ? presentAfterAt : presentAt;
      if (image < 0) {
        if (!after && at === rowsEnd) { this.#fits(count); return; }
        image = at;
        bit = 0;
        at = this.#afterNulls(image, bitmap);
      }
      for (; i < rules.length && at <= rowsEnd; i++) {
        if (++this.#steps > MOST_STEPS) throw new RangeError('the widths of its columns of old temporal formats cannot be found out');
        if ((buffer[bitmap + (i >> 3)]! & (1 << (i & 7))) === 0) continue;
        const isNull = (buffer[image + (bit >> 3)]! & (1 << (bit & 7))) !== 0;
        bit++;
        if (isNull) continue;
        const type = this.#types[i]!;
        if (type >= 0 && this.#widths[i] === 0) { this.#branch(i, type, { at, image, column: i + 1, bit, after, count }); return; }
        const rule = type >= 0 ? this.#widths[i]! : rules[i]!;
        if (type >= 0 && (at + rule > rowsEnd || !canBe(type, rule, buffer, at))) return;
        at += rule >= 0 ? rule : -rule + prefixed(buffer, at, -rule);
      }
      if (at > rowsEnd) return;
      image = -1;
      if (kind === 'update' && !after) after = true;
      else {
        after = false;
        count++;
      }
    }
  }

  #branch(column: number, type: number, place: Place): void {
    for (const width of WIDTHS[type]!) {
      if (place.at + width > this.#rows.rowsEnd || !canBe(type, width, this.#rows.buffer, place.at)) continue;
      this.#widths[column] = width;
      this.#walk({ ...place, at: place.at + width });
    }
    this.#widths[column] = 0;
  }

  /** Behind the null bits; beyond the event when the bits that no column uses are not set, as servers leave them. */
  #afterNulls(image: number, bitmap: number): number {
    const { buffer, rowsEnd } = this.#rows;
    let present = 0;
    for (let i = 0; i < this.#rules.length; i++) if (buffer[bitmap + (i >> 3)]! & (1 << (i & 7))) present++;
    const end = image + ((present + 7) >> 3);
    const unused = (0xff << (present & 7)) & 0xff;
    if (end <= rowsEnd && (present & 7) !== 0 && (buffer[end - 1]! & unused) !== unused) return rowsEnd + 1;
    return end;
  }

  #fits(count: number): void {
    if (this.#count !== null && this.#count !== count) throw new RangeError(`its rows may be ${this.#count} or ${count}: TABLE_MAP does not tell the width of old temporal formats`);
    this.#count = count;
    this.#solutions++;
    this.#solution = Int32Array.from(this.#widths);
  }
}

function prefixed(buffer: Buffer, at: number, bytes: number): number {
  // Behind the buffer nothing is read: the sum then passes the event's end, or is no number and never equals it.
  if (at + bytes > buffer.length) return buffer.length;
  return bytes === 1 ? buffer[at]! : bytes === 2 ? u16(buffer, at) : bytes === 3 ? u24(buffer, at) : u32(buffer, at);
}
