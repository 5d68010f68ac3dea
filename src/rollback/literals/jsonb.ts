import { u16, u32 } from '../../core/bytes.ts';
import { UndoError } from '../../core/errors.ts';

/** MySQL's binary JSON (sql-common/json_binary.h): a type byte, then the value. */
export const Jsonb = {
  SMALL_OBJECT: 0, LARGE_OBJECT: 1, SMALL_ARRAY: 2, LARGE_ARRAY: 3, LITERAL: 4,
  INT16: 5, UINT16: 6, INT32: 7, UINT32: 8, INT64: 9, UINT64: 10, DOUBLE: 11, STRING: 12, OPAQUE: 15,
} as const;

/** One value inside a document: its type, where its bytes start, and the document's end. */
export interface JsonNode {
  readonly b: Buffer;
  readonly type: number;
  readonly at: number;
  readonly end: number;
}

export interface JsonChild {
  /** Key bytes of an object's member; null for array elements. */
  readonly key: Buffer | null;
  readonly node: JsonNode;
}

/** MySQL itself stops at 100 levels. */
const MAX_DEPTH = 128;

export function corruptJson(reason: string): UndoError {
  return new UndoError('EVENT_CORRUPT', `A JSON value does not parse: ${reason}.`);
}

export function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw corruptJson('it is nested too deeply');
}

export function rootNode(b: Buffer, start: number, end: number): JsonNode {
  return { b, type: b[start]!, at: start + 1, end };
}

/** Members or elements in stored order. */
export function children(node: JsonNode): JsonChild[] {
  const { b, type, at, end } = node;
  const large = type === Jsonb.LARGE_OBJECT || type === Jsonb.LARGE_ARRAY;
  const isObject = type === Jsonb.SMALL_OBJECT || type === Jsonb.LARGE_OBJECT;
  const width = large ? 4 : 2;
  const read = large ? u32 : u16;
  if (at + 2 * width > end) throw corruptJson('a container has no header');
  const count = read(b, at);
  const keyEntries = at + 2 * width;
  const valueEntries = keyEntries + (isObject ? count * (width + 2) : 0);
  if (valueEntries + count * (width + 1) > end) throw corruptJson('a container is longer than its document');
  const found: JsonChild[] = [];
  for (let i = 0; i < count; i++) {
    let key: Buffer | null = null;
    if (isObject) {
      const entry = keyEntries + i * (width + 2);
      const keyAt = at + read(b, entry);
      const keyEnd = keyAt + u16(b, entry + width);
      if (keyEnd > end) throw corruptJson('a key lies outside the document');
      key = b.subarray(keyAt, keyEnd);
    }
    const entry = valueEntries + i * (width + 1);
    const childType = b[entry]!;
    const childAt = isInlined(childType, large) ? entry + 1 : at + read(b, entry + 1);
    // A container that points back at itself would never end.
    if (childAt >= end || childAt <= at) throw corruptJson('a value lies outside its container');
    found.push({ key, node: { b, type: childType, at: childAt, end } });
  }
  return found;
}

function isInlined(type: number, large: boolean): boolean {
  switch (type) {
    case Jsonb.LITERAL:
    case Jsonb.INT16:
    case Jsonb.UINT16:
      return true;
    case Jsonb.INT32:
    case Jsonb.UINT32:
      return large;
    default:
      return false;
  }
}

/** The bytes behind a variable-length prefix of seven bits a byte. */
export function variableBytes(node: JsonNode, at: number): Buffer {
  let length = 0;
  let p = at;
  for (let shift = 0; shift < 35; shift += 7) {
    if (p >= node.end) throw corruptJson('a length runs over the end');
    const byte = node.b[p++]!;
    length += (byte & 0x7f) * 2 ** shift;
    if ((byte & 0x80) === 0) {
      if (p + length > node.end) throw corruptJson('a string runs over the end');
      return node.b.subarray(p, p + length);
    }
  }
  throw corruptJson('a length does not end');
}

/** Walks the document once. @throws UndoError EVENT_CORRUPT when values share bytes, which would make them endless to write. */
export function checkSize(root: JsonNode): void {
  let left = root.end - root.at + 1;
  const spend = (bytes: number): void => {
    left -= bytes;
    if (left < 0) throw corruptJson('its values overlap');
  };
  const visit = (node: JsonNode, depth: number): void => {
    checkDepth(depth);
    if (node.type === Jsonb.STRING) spend(variableBytes(node, node.at).length);
    else if (node.type === Jsonb.OPAQUE) spend(variableBytes(node, node.at + 1).length);
    if (node.type > Jsonb.LARGE_ARRAY) return;
    for (const child of children(node)) {
      spend(1 + (child.key?.length ?? 0));
      visit(child.node, depth + 1);
    }
  };
  visit(root, 0);
}
