import { createHmac } from 'node:crypto';
import type { ValueText } from './values.ts';

/** Which columns leave for Kafka without their values: names of database, table and column, in which `*` stands for anything. */
export interface MaskRule {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly kind: 'null' | 'hash';
}

export interface MaskSettings {
  /** The first that matches counts. */
  readonly rules: readonly MaskRule[];
  /** Keys the hashes: without it the values of small sets (numbers, names) could be found by trying. */
  readonly salt: string;
}

/** What stands for a column: in the row, and in the record's key, which has to tell rows apart. */
export interface MaskedText {
  readonly row: ValueText;
  readonly key: ValueText;
}

/** @returns the masks of one table's columns; null in the place of a column that is not masked. */
export function columnMasks({ rules, salt }: MaskSettings, schema: string, table: string, columns: readonly string[], texts: readonly ValueText[]): (MaskedText | null)[] {
  const ofTable = rules.filter((rule) => matches(rule.schema, schema) && matches(rule.table, table));
  return columns.map((column, index) => {
    const rule = ofTable.find((candidate) => matches(candidate.column, column));
    if (!rule) return null;
    const hash = hashed(texts[index]!, salt);
    return { row: rule.kind === 'null' ? () => 'null' : hash, key: hash };
  });
}

/** Names of columns are the same in any case, and those of tables on some servers: what is masked too much leaks nothing. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'isu').test(name);
}

function hashed(text: ValueText, salt: string): ValueText {
  return (b, start, end) => `"hmac-sha256:${createHmac('sha256', salt).update(text(b, start, end)).digest('hex')}"`;
}
