import { CLASSIC_DATETIME_BYTES, CLASSIC_TIME_BYTES } from '../../binlog/value-length.ts';
import { u24, u32 } from '../../core/bytes.ts';
import { bigEndian, type ReadInstant, type ReadMoment } from './temporal.ts';

/*
 * The formats before MySQL 5.6, which MariaDB still writes under mysql56_temporal_format=OFF and keeps in old tables.
 * Without fractions they are MySQL's; with fractions MariaDB's own (sql/field.cc, Field_*_hires): big-endian, counted in
 * units of the last digit.
 */

export function classicTimestampReader(fraction: number): ReadInstant {
  if (fraction === 0) {
    return (b, s, into) => {
      into.seconds = u32(b, s);
      into.micros = 0;
    };
  }
  const bytes = (fraction + 1) >> 1;
  const unit = 10 ** (6 - fraction);
  return (b, s, into) => {
    into.seconds = bigEndian(b, s, 4);
    into.micros = bigEndian(b, s + 4, bytes) * unit;
  };
}

const readDigits: ReadMoment = (b, s, into) => {
  const value = u32(b, s) + u32(b, s + 4) * 0x1_0000_0000;
  const date = Math.floor(value / 1e6);
  const time = value - date * 1e6;
  into.year = Math.floor(date / 10000);
  into.month = Math.floor(date / 100) % 100;
  into.day = date % 100;
  into.hour = Math.floor(time / 10000);
  into.minute = Math.floor(time / 100) % 100;
  into.second = time % 100;
  into.micros = 0;
};

export function classicDatetimeReader(fraction: number): ReadMoment {
  if (fraction === 0) return readDigits;
  const bytes = CLASSIC_DATETIME_BYTES[fraction as 0];
  const scale = 10n ** BigInt(fraction);
  const unit = 10 ** (6 - fraction);
  return (b, s, into) => {
    // With six digits it passes 2^53.
    const value = BigInt(bigEndian(b, s, bytes - 4)) * 0x1_0000_0000n + BigInt(bigEndian(b, s + bytes - 4, 4));
    into.micros = Number(value % scale) * unit;
    let rest = Number(value / scale);
    const next = (base: number): number => {
      const digit = rest % base;
      rest = Math.floor(rest / base);
      return digit;
    };
    into.second = next(60);
    into.minute = next(60);
    into.hour = next(24);
    into.day = next(32);
    into.month = next(13);
    into.year = rest;
  };
}

/** One more than the greatest TIME, 838:59:59, in seconds: what fractional values are counted from. */
const ZERO_POINT = 3020400;

export function classicTimeReader(fraction: number): ReadMoment {
  if (fraction === 0) {
    return (b, s, into) => {
      const value = (u24(b, s) << 8) >> 8;
      const magnitude = Math.abs(value);
      into.negative = value < 0;
      into.hour = Math.floor(magnitude / 10000);
      into.minute = Math.floor(magnitude / 100) % 100;
      into.second = magnitude % 100;
      into.micros = 0;
    };
  }
  const bytes = CLASSIC_TIME_BYTES[fraction as 0];
  const scale = 10 ** fraction;
  const unit = 10 ** (6 - fraction);
  return (b, s, into) => {
    const value = bigEndian(b, s, bytes) - ZERO_POINT * scale;
    const magnitude = Math.abs(value);
    const seconds = Math.floor(magnitude / scale);
    into.negative = value < 0;
    into.hour = Math.floor(seconds / 3600);
    into.minute = Math.floor(seconds / 60) % 60;
    into.second = seconds % 60;
    into.micros = (magnitude - seconds * scale) * unit;
  };
}
