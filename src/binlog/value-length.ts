import { ColumnType } from './types.ts';

/** How long a column's value is: a fixed count of bytes, or a length prefix of so many bytes before it. */
export type ValueLength = { readonly fixed: number } | { readonly prefix: number };

const T = ColumnType;
/** MariaDB's TIMESTAMP, DATETIME and TIME by digits of fraction where mysql56_temporal_format is off (field.cc, sec_part_bytes and kin). */
export const CLASSIC_TIMESTAMP_BYTES = [4, 5, 5, 6, 6, 7, 7] as const;
export const CLASSIC_DATETIME_BYTES = [8, 6, 6, 7, 7, 7, 8] as const;
export const CLASSIC_TIME_BYTES = [3, 4, 4, 5, 5, 5, 6] as const;

/**
 * @param meta as `TableMapColumn.meta`. @param fraction digits of the classic temporal types, which `meta` does not tell.
 * @returns null for a type that this release does not know.
 */
export function valueLength(type: number, meta: number, fraction: number): ValueLength | null {
  switch (type) {
    case T.NULL: return { fixed: 0 };
    case T.TINY: case T.YEAR: return { fixed: 1 };
    case T.SHORT: return { fixed: 2 };
    case T.INT24: case T.DATE: case T.NEWDATE: return { fixed: 3 };
    case T.LONG: case T.FLOAT: return { fixed: 4 };
    case T.LONGLONG: case T.DOUBLE: return { fixed: 8 };
    case T.TIMESTAMP: return { fixed: CLASSIC_TIMESTAMP_BYTES[fraction as 0] };
    case T.DATETIME: return { fixed: CLASSIC_DATETIME_BYTES[fraction as 0] };
    case T.TIME: return { fixed: CLASSIC_TIME_BYTES[fraction as 0] };
    case T.TIMESTAMP2: return { fixed: 4 + ((meta + 1) >> 1) };
    case T.DATETIME2: return { fixed: 5 + ((meta + 1) >> 1) };
    case T.TIME2: return { fixed: 3 + ((meta + 1) >> 1) };
    case T.NEWDECIMAL: return { fixed: decimalBytes(meta >> 8, meta & 0xff) };
    case T.BIT: return { fixed: (meta >> 8) + ((meta & 0xff) > 0 ? 1 : 0) };
    case T.ENUM: case T.SET: return { fixed: meta };
    case T.STRING: case T.VARCHAR: case T.VAR_STRING: case T.VARCHAR_COMPRESSED: return { prefix: meta > 255 ? 2 : 1 };
    case T.BLOB: case T.TINY_BLOB: case T.MEDIUM_BLOB: case T.LONG_BLOB: case T.BLOB_COMPRESSED:
    case T.JSON: case T.GEOMETRY: case T.VECTOR: return { prefix: meta };
    default: return null;
  }
}

const DIGIT_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

function digitBytes(digits: number): number {
  return Math.floor(digits / 9) * 4 + DIGIT_BYTES[(digits % 9) as 0];
}

/** Packed DECIMAL: nine digits in four bytes, the rest in as few as hold them (MySQL strings/decimal.c). */
export function decimalBytes(precision: number, scale: number): number {
  return digitBytes(precision - scale) + digitBytes(scale);
}
