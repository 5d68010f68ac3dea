import { u24 } from '../../core/bytes.ts';
import type { SqlBuffer } from '../../core/sql-buffer.ts';
import { writePadded, writeUnsigned, type Emit } from './digits.ts';

/** A time stamp as fields; `micros` 0 to 999999. Reused by readers: no object per value. */
export interface Moment {
  negative: boolean;
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  micros: number;
}

export type ReadMoment = (b: Buffer, start: number, into: Moment) => void;

export const newMoment = (): Moment => ({ negative: false, year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, micros: 0 });

/** Big-endian unsigned, up to six bytes. */
export function bigEndian(b: Buffer, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + b[at + i]!;
  return value;
}

/** Packed fractions hold an even number of digits (MySQL my_time.cc). */
const MICROS_PER_UNIT = [1, 10000, 10000, 100, 100, 1, 1] as const;

export const readDate: ReadMoment = (b, s, into) => {
  const packed = u24(b, s);
  into.day = packed & 31;
  into.month = (packed >> 5) & 15;
  into.year = packed >> 9;
};

function setDate(into: Moment, yearMonth: number, day: number): void {
  into.year = Math.floor(yearMonth / 13);
  into.month = yearMonth % 13;
  into.day = day;
}

function setTime(into: Moment, packed: number): void {
  into.hour = packed >> 12;
  into.minute = (packed >> 6) & 63;
  into.second = packed & 63;
}

export function datetimeReader(fraction: number): ReadMoment {
  const bytes = (fraction + 1) >> 1;
  const unit = MICROS_PER_UNIT[fraction as 0];
  return (b, s, into) => {
    const days = bigEndian(b, s, 3) - 0x80_0000;
    const rest = (b[s + 3]! << 8) | b[s + 4]!;
    // 17 bits year * 13 + month, 5 bits day, 17 bits time: the day's bits straddle the third byte.
    const packed = days * 0x1_0000 + rest;
    const date = Math.floor(packed / 0x2_0000);
    setDate(into, date >> 5, date & 31);
    setTime(into, packed - date * 0x2_0000);
    into.micros = bigEndian(b, s + 5, bytes) * unit;
  };
}

export function timeReader(fraction: number): ReadMoment {
  const bytes = (fraction + 1) >> 1;
  const unit = MICROS_PER_UNIT[fraction as 0];
  const scale = 256 ** bytes;
  return (b, s, into) => {
    // Whole and fraction are one big-endian number around an offset: a negative one borrows through both.
    const packed = bigEndian(b, s, 3 + bytes) - 0x80_0000 * scale;
    into.negative = packed < 0;
    const magnitude = Math.abs(packed);
    const whole = Math.floor(magnitude / scale);
    setTime(into, whole);
    into.micros = (magnitude - whole * scale) * unit;
  };
}

/** Seconds since 1970 as UTC fields (days to civil date, proleptic Gregorian). */
export function setSeconds(into: Moment, seconds: number): void {
  const days = Math.floor(seconds / 86400);
  const time = seconds - days * 86400;
  into.hour = Math.floor(time / 3600);
  into.minute = Math.floor(time / 60) % 60;
  into.second = time % 60;
  // Count from 0000-03-01, so that the leap day ends its year.
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  into.day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  into.month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  into.year = yearOfEra + era * 400 + (into.month <= 2 ? 1 : 0);
}

/** TIMESTAMP's parts: whole seconds (unsigned, MariaDB 11.5 goes to 2106) and microseconds. */
export interface Instant {
  seconds: number;
  micros: number;
}

export type ReadInstant = (b: Buffer, start: number, into: Instant) => void;

export function timestampReader(fraction: number): ReadInstant {
  const bytes = (fraction + 1) >> 1;
  const unit = MICROS_PER_UNIT[fraction as 0];
  return (b, s, into) => {
    into.seconds = bigEndian(b, s, 4);
    into.micros = bigEndian(b, s + 4, bytes) * unit;
  };
}

const DIVISOR = [1e6, 1e5, 1e4, 1e3, 1e2, 10, 1] as const;

export function writeFraction(out: SqlBuffer, micros: number, digits: number): void {
  if (digits === 0) return;
  out.byte(46);
  writePadded(out, Math.floor(micros / DIVISOR[digits as 0]), digits);
}

export function writeDate(out: SqlBuffer, moment: Moment): void {
  writePadded(out, moment.year, 4);
  out.byte(45);
  writePadded(out, moment.month, 2);
  out.byte(45);
  writePadded(out, moment.day, 2);
}

export function writeTime(out: SqlBuffer, moment: Moment, fraction: number): void {
  if (moment.negative) out.byte(45);
  if (moment.hour > 99) writeUnsigned(out, moment.hour);
  else writePadded(out, moment.hour, 2);
  out.byte(58);
  writePadded(out, moment.minute, 2);
  out.byte(58);
  writePadded(out, moment.second, 2);
  writeFraction(out, moment.micros, fraction);
}

const QUOTE = 39;

export function momentEmitter(read: ReadMoment, parts: 'date' | 'time' | 'both', fraction: number): Emit {
  const moment = newMoment();
  return (out, b, s) => {
    read(b, s, moment);
    out.byte(QUOTE);
    if (parts !== 'time') writeDate(out, moment);
    if (parts === 'both') out.byte(32);
    if (parts !== 'date') writeTime(out, moment, fraction);
    out.byte(QUOTE);
  };
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** True for what only a pinned sql_mode stores: '0000-00-00', a zero month or day, 2026-02-31. */
export function isOddDate(moment: Moment): boolean {
  const { year, month, day } = moment;
  if (month === 0 || day === 0 || year === 0) return true;
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day > DAYS[(month - 1) as 0] + (leap ? 1 : 0);
}

/** Date before the impossible zero ones: what MariaDB's default sql_mode refuses. */
export function isInvalidDate(moment: Moment): boolean {
  return moment.month !== 0 && moment.day !== 0 && isOddDate(moment) && moment.day > DAYS[(moment.month - 1) as 0];
}
