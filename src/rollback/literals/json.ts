import { u16, u32 } from '../../core/bytes.ts';
import { SqlBuffer } from '../../core/sql-buffer.ts';
import { charsetByName } from '../charsets.ts';
import { writeSigned, writeSigned64, writeUnsigned, writeUnsigned64, type Emit } from './digits.ts';
import { writeOpaque } from './json-opaque.ts';
import { Jsonb, checkDepth, checkSize, children, corruptJson, rootNode, variableBytes, type JsonChild, type JsonNode } from './jsonb.ts';
import { writeDouble } from './numbers.ts';
import { textEmitter } from './text.ts';

const emitUtf8 = textEmitter(charsetByName('utf8mb4')!);

const JSON_NULL = "CAST('null' AS JSON)";

/**
 * An SQL expression whose value is the same document, number types included. Documents that JSON text can carry are
 * CAST('..' AS JSON); where it cannot (DECIMAL, temporal and binary values, numbers of the type that text would not get)
 * the containers on the way are built with JSON_OBJECT and JSON_ARRAY.
 */
export const emitJson: Emit = (out, b, s, e) => {
  // A document without a byte reads as null.
  if (s === e) {
    out.text(JSON_NULL);
    return;
  }
  const root = rootNode(b, s, e);
  checkSize(root);
  writeExpression(out, root, 0, true);
};

/** Columns take JSON only as JSON: a bare scalar would be parsed as text, so the outermost value is always of type JSON. */
function writeExpression(out: SqlBuffer, node: JsonNode, depth: number, outermost: boolean): void {
  checkDepth(depth);
  if (isPlain(node, depth)) {
    writeCastText(out, node);
    return;
  }
  if (isContainer(node.type)) {
    writeBuilder(out, node, depth);
    return;
  }
  if (!outermost) writeScalar(out, node);
  else {
    out.text("JSON_EXTRACT(JSON_ARRAY(");
    writeScalar(out, node);
    out.text("),'$[0]')");
  }
}

function writeCastText(out: SqlBuffer, node: JsonNode): void {
  const text = new SqlBuffer(256);
  writeJsonText(text, node);
  out.text('CAST(');
  emitUtf8(out, text.bytes, 0, text.length);
  out.text(' AS JSON)');
}

function writeBuilder(out: SqlBuffer, node: JsonNode, depth: number): void {
  out.text(isObject(node.type) ? 'JSON_OBJECT(' : 'JSON_ARRAY(');
  children(node).forEach(({ key, node: child }: JsonChild, i) => {
    if (i > 0) out.byte(44);
    if (key) {
      emitUtf8(out, key, 0, key.length);
      out.byte(44);
    }
    writeExpression(out, child, depth + 1, false);
  });
  out.byte(41);
}

/** A scalar that JSON text would give another type. */
function writeScalar(out: SqlBuffer, node: JsonNode): void {
  const { b, at, type } = node;
  switch (type) {
    case Jsonb.UINT16:
    case Jsonb.UINT32:
    case Jsonb.UINT64:
      out.text('CAST(');
      writeInteger(out, node);
      out.text(' AS UNSIGNED)');
      return;
    case Jsonb.INT64:
      writeSigned64(out, u32(b, at + 4), u32(b, at));
      return;
    case Jsonb.OPAQUE:
      writeOpaque(out, b[at]!, variableBytes(node, at + 1));
      return;
    default:
      throw corruptJson(`value type ${type}`);
  }
}

const isObject = (type: number): boolean => type === Jsonb.SMALL_OBJECT || type === Jsonb.LARGE_OBJECT;
export const isContainer = (type: number): boolean => type <= Jsonb.LARGE_ARRAY;

/** True when parsing the value's JSON text gives the same types: MySQL reads integers above 2^32 - 1 as unsigned. */
export function isPlain(node: JsonNode, depth: number): boolean {
  checkDepth(depth);
  const { b, at, type } = node;
  switch (type) {
    case Jsonb.UINT16:
    case Jsonb.UINT32:
    case Jsonb.OPAQUE:
      return false;
    case Jsonb.UINT64:
      return u32(b, at + 4) > 0;
    case Jsonb.INT64: {
      const high = u32(b, at + 4);
      return high === 0 || high >= 0x8000_0000;
    }
    default:
      return !isContainer(type) || children(node).every((child) => isPlain(child.node, depth + 1));
  }
}

function writeInteger(out: SqlBuffer, node: JsonNode): void {
  const { b, at } = node;
  switch (node.type) {
    case Jsonb.INT16:
      writeSigned(out, (u16(b, at) << 16) >> 16);
      return;
    case Jsonb.UINT16:
      writeUnsigned(out, u16(b, at));
      return;
    case Jsonb.INT32:
      writeSigned(out, u32(b, at) | 0);
      return;
    case Jsonb.UINT32:
      writeUnsigned(out, u32(b, at));
      return;
    case Jsonb.INT64:
      writeSigned64(out, u32(b, at + 4), u32(b, at));
      return;
    default:
      writeUnsigned64(out, u32(b, at + 4), u32(b, at));
  }
}

const LITERALS = ['null', 'true', 'false'] as const;

function writeJsonText(out: SqlBuffer, node: JsonNode): void {
  const { b, at, end, type } = node;
  if (isContainer(type)) {
    out.byte(isObject(type) ? 123 : 91);
    children(node).forEach(({ key, node: child }, i) => {
      if (i > 0) out.byte(44);
      if (key) {
        writeJsonString(out, key);
        out.byte(58);
      }
      writeJsonText(out, child);
    });
    out.byte(isObject(type) ? 125 : 93);
    return;
  }
  switch (type) {
    case Jsonb.LITERAL: {
      const literal = LITERALS[b[at]!];
      if (literal === undefined) throw corruptJson(`literal ${b[at]!}`);
      out.text(literal);
      return;
    }
    case Jsonb.DOUBLE:
      if (at + 8 > end) throw corruptJson('a number runs over the end');
      writeDouble(out, b.readDoubleLE(at));
      return;
    case Jsonb.STRING:
      writeJsonString(out, variableBytes(node, at));
      return;
    case Jsonb.INT16:
    case Jsonb.INT32:
    case Jsonb.INT64:
    case Jsonb.UINT64:
      writeInteger(out, node);
      return;
    default:
      throw corruptJson(`value type ${type}`);
  }
}

/** Only what JSON demands is escaped; a text with escapes then travels in hex, so no backslash reaches the SQL. */
function writeJsonString(out: SqlBuffer, bytes: Buffer): void {
  out.byte(34);
  for (const byte of bytes) {
    if (byte === 34 || byte === 92) out.byte(92);
    if (byte < 0x20) out.text(`\\u00${byte.toString(16).padStart(2, '0')}`);
    else out.byte(byte);
  }
  out.byte(34);
}
