import { u16, u32 } from '../core/bytes.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import { ColumnType } from '../binlog/types.ts';
import { valueEmitter } from '../rollback/literals/literal.ts';
import { Jsonb, checkSize, children, corruptJson, rootNode, variableBytes, type JsonNode } from '../rollback/literals/jsonb.ts';
import type { ColumnShape } from '../rollback/shape.ts';

const LITERALS = ['null', 'true', 'false'] as const;

/** MySQL's binary JSON as JSON text, numbers with all their digits. An empty value reads as null, as the server reads it. */
export function jsonText(b: Buffer, start: number, end: number): string {
  if (start === end) return 'null';
  const root = rootNode(b, start, end);
  checkSize(root);
  return nodeText(root);
}

function nodeText(node: JsonNode): string {
  const { b, at, type, end } = node;
  switch (type) {
    case Jsonb.SMALL_OBJECT:
    case Jsonb.LARGE_OBJECT:
      return `{${children(node).map(({ key, node: child }) => `${JSON.stringify(key!.toString('utf8'))}:${nodeText(child)}`).join(',')}}`;
    case Jsonb.SMALL_ARRAY:
    case Jsonb.LARGE_ARRAY:
      return `[${children(node).map(({ node: child }) => nodeText(child)).join(',')}]`;
    case Jsonb.LITERAL: {
      const literal = LITERALS[b[at]!];
      if (literal === undefined) throw corruptJson(`literal ${b[at]!}`);
      return literal;
    }
    case Jsonb.INT16:
      return String((u16(b, at) << 16) >> 16);
    case Jsonb.UINT16:
      return String(u16(b, at));
    case Jsonb.INT32:
      return String(u32(b, at) | 0);
    case Jsonb.UINT32:
      return String(u32(b, at));
    case Jsonb.INT64:
      return String(b.readBigInt64LE(at));
    case Jsonb.UINT64:
      return String(b.readBigUInt64LE(at));
    case Jsonb.DOUBLE:
      if (at + 8 > end) throw corruptJson('a number runs over the end');
      return doubleText(b.readDoubleLE(at));
    case Jsonb.STRING:
      return JSON.stringify(variableBytes(node, at).toString('utf8'));
    case Jsonb.OPAQUE:
      return opaqueText(b[at]!, variableBytes(node, at + 1));
    default:
      throw corruptJson(`value type ${type}`);
  }
}

/** A number that reads back as the same double, also for the sign of zero and as a double. */
export function doubleText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** Decimals with their digits, times as MySQL prints them, all else as MySQL's own `base64:typeN:...`. */
function opaqueText(type: number, data: Buffer): string {
  switch (type) {
    case ColumnType.NEWDECIMAL: {
      const text = new SqlBuffer(80);
      valueEmitter(decimalShape(data[0] ?? 0, data[1] ?? 0), 'utc')(text, data, 2, data.length);
      return text.toString();
    }
    case ColumnType.DATE:
    case ColumnType.DATETIME:
    case ColumnType.TIMESTAMP:
    case ColumnType.TIME:
      if (data.length !== 8) throw corruptJson('a time is not eight bytes long');
      return JSON.stringify(packedTime(type, data.readBigInt64LE(0)));
    default:
      return JSON.stringify(`base64:type${type}:${data.toString('base64')}`);
  }
}

function decimalShape(precision: number, scale: number): ColumnShape {
  return {
    index: 0, name: '', kind: 'decimal', type: ColumnType.NEWDECIMAL, meta: (precision << 8) | scale, unsigned: false, nullable: false, charset: null,
    compressed: false, relabelling: null, storedAs: null, fraction: 0, generated: false, autoIncrement: false, onUpdateNow: false, indexed: false,
  };
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** MySQL's packed temporal (my_time.cc): 24 bits of microseconds below 17 bits of time; above them day, month and year for dates. */
function packedTime(type: number, packed: bigint): string {
  const magnitude = packed < 0n ? -packed : packed;
  const micros = Number(magnitude & 0xffffffn);
  const whole = Number(magnitude >> 24n);
  const time = whole % 0x2_0000;
  const clock = (hours: number): string => `${pad(hours, 2)}:${pad((time >> 6) & 63, 2)}:${pad(time & 63, 2)}.${pad(micros, 6)}`;
  if (type === ColumnType.TIME) return `${packed < 0n ? '-' : ''}${clock((whole >> 12) & 0x3ff)}`;
  const date = Math.floor(whole / 0x2_0000);
  const yearMonth = date >> 5;
  const day = `${pad(Math.floor(yearMonth / 13), 4)}-${pad(yearMonth % 13, 2)}-${pad(date & 31, 2)}`;
  return type === ColumnType.DATE ? day : `${day} ${clock(time >> 12)}`;
}
