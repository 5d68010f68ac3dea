import { isUtf8 } from 'node:buffer';
import { SqlBuffer } from '../core/sql-buffer.ts';
import { decompressColumn } from '../rollback/literals/compressed.ts';
import { valueEmitter } from '../rollback/literals/literal.ts';
import type { ColumnShape, TableShape } from '../rollback/shape.ts';
import { doubleText, jsonText } from './json-text.ts';

/** The JSON text of one column's value; never sees NULL. */
export type ValueText = (b: Buffer, start: number, end: number) => string;

/** MySQL's character sets that a decoder of the web platform reads without loss. Everything else goes out as bytes. */
const DECODERS: Readonly<Record<string, string>> = {
  latin1: 'windows-1252', cp1250: 'windows-1250', cp1251: 'windows-1251', cp1257: 'windows-1257', ucs2: 'utf-16be', utf16: 'utf-16be', utf16le: 'utf-16le',
  gbk: 'gbk', gb18030: 'gb18030',
};

/** One function for each column; docs/kafka.md has the table. */
export function valueTexts(shape: TableShape): ValueText[] {
  return shape.columns.map((column, index) => {
    const text = valueText(column, shape.definition.columns[index]!.columnType);
    if (!column.compressed) return text;
    return (b, s, e) => {
      const plain = decompressColumn(b, s, e);
      return text(plain, 0, plain.length);
    };
  });
}

function valueText(column: ColumnShape, columnType: string): ValueText {
  switch (column.kind) {
    case 'int':
      // More digits than a double holds.
      return column.type === LONGLONG ? quoted(emitted(column)) : emitted(column);
    case 'year':
      return emitted(column);
    case 'decimal':
      return quoted(emitted(column));
    case 'float':
      return (b, s) => floatText(b.readFloatLE(s));
    case 'double':
      return (b, s) => doubleText(b.readDoubleLE(s));
    case 'date':
    case 'time':
    case 'time-classic':
    case 'datetime':
    case 'datetime-classic':
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return requoted(emitted(column));
    case 'timestamp':
    case 'timestamp-classic':
      return zoned(emitted(column));
    case 'bit':
      return column.meta === 1 ? (b, s) => String(b[s] === 1) : base64((b, s, e) => Buffer.from(b.subarray(s, e)).reverse());
    case 'text':
      return textOf(column.charset!.name);
    case 'binary':
      // The binlog leaves out trailing zero bytes that the column holds.
      return base64((b, s, e) => Buffer.concat([b.subarray(s, e), Buffer.alloc(Math.max(0, column.meta - (e - s)))]));
    case 'varbinary':
      return base64((b, s, e) => b.subarray(s, e));
    case 'geometry':
      return (b, s, e) => (e - s < 4 ? 'null' : `{"srid":${b.readUInt32LE(s)},"wkb":"${b.toString('base64', s + 4, e)}"}`);
    case 'vector':
      return (b, s, e) => `[${Array.from({ length: (e - s) >> 2 }, (_, i) => floatText(b.readFloatLE(s + 4 * i))).join(',')}]`;
    case 'enum':
      return enumText(membersOf(columnType));
    case 'set':
      return setText(membersOf(columnType));
    case 'json':
      return (b, s, e) => JSON.stringify(jsonText(b, s, e));
  }
}

const LONGLONG = 8;

/** What the writers of rollback SQL make of it: digits, or text in single quotes that holds nothing to escape. */
function emitted(column: ColumnShape): ValueText {
  const emit = valueEmitter({ ...column, compressed: false }, 'utc');
  const out = new SqlBuffer(64);
  return (b, s, e) => {
    out.length = 0;
    emit(out, b, s, e);
    return out.toString();
  };
}

function quoted(text: ValueText): ValueText {
  return (b, s, e) => `"${text(b, s, e)}"`;
}

function requoted(text: ValueText): ValueText {
  return (b, s, e) => `"${text(b, s, e).slice(1, -1)}"`;
}

/** ISO 8601 in UTC; the zero value, which is no time, as MySQL prints it. */
function zoned(text: ValueText): ValueText {
  return (b, s, e) => {
    const plain = text(b, s, e).replaceAll("'", '');
    return plain.startsWith('0') ? `"${plain}"` : `"${plain.replace(' ', 'T')}Z"`;
  };
}

/** The shortest digits that read back as the same FLOAT. */
function floatText(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(Number(value.toPrecision(9)));
}

function base64(bytes: (b: Buffer, s: number, e: number) => Buffer): ValueText {
  return (b, s, e) => `"${bytes(b, s, e).toString('base64')}"`;
}

function textOf(charset: string): ValueText {
  const raw = (b: Buffer, s: number, e: number): string => `{"charset":"${charset}","base64":"${b.toString('base64', s, e)}"}`;
  if (charset.startsWith('utf8') || charset === 'ascii') {
    const fits = charset === 'ascii' ? (bytes: Buffer) => bytes.every((byte) => byte < 0x80) : isUtf8;
    return (b, s, e) => (fits(b.subarray(s, e)) ? JSON.stringify(b.toString('utf8', s, e)) : raw(b, s, e));
  }
  const label = DECODERS[charset];
  if (label === undefined) return raw;
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  return (b, s, e) => {
    try {
      return JSON.stringify(decoder.decode(b.subarray(s, e)));
    } catch {
      return raw(b, s, e);
    }
  };
}

/** The labels of ENUM and SET as information_schema states them: `enum('a','it''s')`. */
export function membersOf(columnType: string): string[] {
  return [...columnType.matchAll(/'((?:[^']|'')*)'/g)].map((match) => match[1]!.replaceAll("''", "'"));
}

function enumText(members: readonly string[]): ValueText {
  return (b, s, e) => {
    const index = b.readUIntLE(s, e - s);
    // 0 is what a server without strict mode stores for an unknown label: the empty text.
    return JSON.stringify(index === 0 ? '' : members[index - 1] ?? String(index));
  };
}

function setText(members: readonly string[]): ValueText {
  return (b, s, e) => JSON.stringify(members.filter((_, bit) => (b[s + (bit >> 3)] ?? 0) & (1 << (bit & 7)) && s + (bit >> 3) < e).join(','));
}
