import type { Emit } from './digits.ts';
import { emitJson, isContainer, isPlain } from './json.ts';
import { Jsonb, checkSize, children, rootNode, type JsonNode } from './jsonb.ts';

/**
 * What equality with a document leaves open, which is by value: to it 1, 1.0 and CAST(1 AS UNSIGNED) are the same.
 * 'null': JSON null or no byte at all. 'numbers': their types, which are those that parsing the text gives. 'types': others.
 */
type Ambiguity = 'none' | 'null' | 'numbers' | 'types';

function ambiguityOf(b: Buffer, s: number, e: number): Ambiguity {
  if (s === e) return 'null';
  const root = rootNode(b, s, e);
  checkSize(root);
  if (root.type === Jsonb.LITERAL && b[root.at] === 0) return 'null';
  return isPlain(root, 0) ? (hasNumber(root) ? 'numbers' : 'none') : 'types';
}

function hasNumber(node: JsonNode): boolean {
  if (isContainer(node.type)) return children(node).some((child) => hasNumber(child.node));
  return node.type !== Jsonb.LITERAL && node.type !== Jsonb.STRING;
}

/**
 * A whole condition that holds only for the very same document. Where equality leaves something open, its text is
 * compared, which tells 1 from 1.0 and 0.0 from -0.0, and the type of each value inside, which tells signed from unsigned
 * integers and DOUBLE from DECIMAL. Of a DECIMAL its size counts, which grows with the whole digits that it has room for. (Which
 * of the rooms of one size it has is told by no function of the server: such documents are the same to every statement.)
 * @param name the column, backquoted.
 */
export function jsonExactEmitter(name: string): Emit {
  const equals = Buffer.from(`${name}=`);
  const text = Buffer.from(`CAST(${name} AS BINARY)=CAST(`);
  // The column's own name must not be hidden by the inner one.
  const inner = /^`v`$/i.test(name) ? 'w' : 'v';
  const types = Buffer.from(` AS BINARY) AND (${typesIn(inner, name)})=(`);
  const sizes = Buffer.from(` AS BINARY) AND (${typesIn(inner, name, typeOrSize)})=(`);
  // Parsing the text gives these numbers the types that they have.
  const ownTypes = Buffer.from(`${typesIn(inner, `CAST(CAST(${name} AS CHAR CHARACTER SET utf8mb4) AS JSON)`)})`);
  // JSON_TABLE takes no subquery; LIMIT keeps this one from being merged into it.
  const [givenHead, givenTail] = typesIn(inner, 'g.x', typeOrSize, '(SELECT \0 AS x LIMIT 1) g,').split('\0').map((part) => Buffer.from(part));
  return (out, b, s, e) => {
    const ambiguity = ambiguityOf(b, s, e);
    if (ambiguity === 'none' || ambiguity === 'null') {
      out.raw(equals);
      emitJson(out, b, s, e);
      if (ambiguity === 'null') out.text(` AND JSON_STORAGE_SIZE(${name})${s === e ? '=' : '>'}0`);
      return;
    }
    out.raw(text);
    emitJson(out, b, s, e);
    if (ambiguity === 'numbers') {
      out.raw(types);
      out.raw(ownTypes);
      return;
    }
    out.raw(sizes);
    out.raw(givenHead!);
    emitJson(out, b, s, e);
    out.raw(givenTail!);
    out.byte(41);
  };
}

const plainType = (value: string): string => `JSON_TYPE(${value})`;
/** The same with the size of a DECIMAL in place of its type. */
const typeOrSize = (value: string): string => `IF(JSON_TYPE(${value})='DECIMAL',JSON_STORAGE_SIZE(${value}),JSON_TYPE(${value}))`;

/**
 * An array of the type of each value in a document, in its order: `[0]` of a scalar is the scalar itself.
 * Not as an EXISTS over both documents, which MySQL 9.7 turns into an antijoin that finds wrong rows.
 */
function typesIn(inner: string, document: string, of: (value: string) => string = plainType, from = ''): string {
  return `SELECT JSON_ARRAYAGG(${of(inner)}) FROM ${from}JSON_TABLE(${document},'$**[0]' COLUMNS(${inner} JSON PATH '$')) d`;
}
