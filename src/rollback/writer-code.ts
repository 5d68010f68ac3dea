import { sameBytes } from '../core/byte-view.ts';
import { UndoError } from '../core/errors.ts';
import type { SqlBuffer } from '../core/sql-buffer.ts';
import type { ColumnCode } from './column-code.ts';
import type { ColumnShape } from './shape.ts';

/**
 * Writes the statement of one row whose spans start at S[o] (an update's after image at S[o + width]).
 * False when the row needs none, and nothing is written.
 */
export type WriteRow = (out: SqlBuffer, b: Buffer, S: Int32Array, o: number) => boolean;

/** One term of a WHERE, all of them joined by AND. */
export interface Condition {
  readonly column: ColumnShape;
  readonly by: 'match' | 'exact';
  /** Written only when the row restores the column. */
  readonly onlyIfChanged: boolean;
  /** Written only when the image holds the column. */
  readonly onlyIfKnown: boolean;
}

/** What the generated code refers to, by name: prepared bytes and the emitters of each column. */
export interface Parts {
  /** The statement's start, by need. */
  readonly heads: readonly Buffer[];
  /** Its end, likewise. */
  readonly tails: readonly Buffer[];
  readonly columns: readonly ColumnCode[];
}

type Lines = string[];

const IMAGE_WIDTH = 2;

/** Straight-line code over named parts: no loop over columns, no look-up by type, when a row is written. */
export class RowCode {
  readonly #parts: Parts;
  readonly #names: string[] = [];
  readonly #values: unknown[] = [];
  readonly #lines: Lines = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#names.push('heads', 'tails', 'NULL', 'AND', 'differs');
    this.#values.push(parts.heads, parts.tails, Buffer.from('NULL'), Buffer.from(' AND '), differs);
  }

  line(code: string): void {
    this.#lines.push(code);
  }

  /** Names a value for the generated code. */
  part(name: string, value: unknown): string {
    if (!this.#names.includes(name)) {
      this.#names.push(name);
      this.#values.push(value);
    }
    return name;
  }

  raw(name: string, text: string): string {
    return `out.raw(${this.part(name, Buffer.from(text))});`;
  }

  span(column: ColumnShape, image: number): { readonly start: string; readonly end: string } {
    const at = image + IMAGE_WIDTH * column.index;
    return { start: `S[o + ${at}]`, end: `S[o + ${at + 1}]` };
  }

  /** `need |= ..` for a column that may bring one in. */
  need(column: ColumnShape, image: number, of: 'needOfValue' | 'needOfMatch' | 'needOfExact', when = ''): void {
    const code = this.#parts.columns[column.index]![of];
    if (code === null) return;
    const { start, end } = this.span(column, image);
    this.line(`if (${when}${start} >= 0) need |= ${this.part(`${of}_${column.index}`, code)}(b, ${start}, ${end});`);
  }

  /** The literal or NULL. */
  value(column: ColumnShape, image: number): string {
    const { start, end } = this.span(column, image);
    const emit = `${this.part(`value_${column.index}`, this.#parts.columns[column.index]!.value)}(out, b, ${start}, ${end});`;
    return column.nullable ? `if (${start} < 0) out.raw(NULL); else ${emit}` : emit;
  }

  /** One condition by itself. */
  condition(column: ColumnShape, by: Condition['by'], image: number): string {
    const code = this.#parts.columns[column.index]!;
    const { start, end } = this.span(column, image);
    const emit = `${this.part(`${by}_${column.index}`, code[by])}(out, b, ${start}, ${end});`;
    const isNull = this.raw(`isNull_${column.index}`, `${code.name} IS NULL`);
    return column.nullable ? `if (${start} < 0) { ${isNull} } else { ${emit} }` : emit;
  }

  /** All conditions; the first is one that always stands. */
  where(conditions: readonly Condition[], image: number): void {
    conditions.forEach((condition, place) => {
      const { column } = condition;
      const { start } = this.span(column, image);
      const and = place > 0 ? 'out.raw(AND); ' : '';
      const write = this.condition(column, condition.by, image);
      const when = [...(condition.onlyIfChanged ? [`changed_${column.index}`] : []), ...(condition.onlyIfKnown ? [`${start} >= -1`] : [])];
      this.line(when.length > 0 ? `if (${when.join(' && ')}) { ${and}${write} }` : `${and}${write}`);
    });
  }

  compile(name: string): WriteRow {
    const body = `'use strict';
return function ${name}(out, b, S, o) {
  let need = 0;
  ${this.#lines.join('\n  ')}
  out.raw(tails[need]);
  return true;
};`;
    try {
      // Compiled per table shape: the code holds numbers and names of parts only; names and values of the table come as parts.
      // eslint-disable-next-line @typescript-eslint/no-implied-eval
      return (new Function(...this.#names, body) as (...parts: unknown[]) => WriteRow)(...this.#values);
    } catch (error) {
      throw new UndoError('INTERNAL', `The writer ${name} does not compile.`, { cause: error });
    }
  }
}

/** True unless both spans are NULL or hold the same bytes. */
export function differs(b: Buffer, S: Int32Array, x: number, y: number): boolean {
  const s = S[x]!;
  const t = S[y]!;
  if (s < 0 || t < 0) return s !== t;
  const length = S[x + 1]! - s;
  if (length !== S[y + 1]! - t) return true;
  return !sameBytes(b, s, t, length);
}
