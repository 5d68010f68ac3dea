import { CHARSET_DATA } from './charset-data.ts';

export interface Charset {
  readonly name: string;
  /** Most bytes a character takes: VARCHAR(n) is n * maxBytes long in TABLE_MAP. */
  readonly maxBytes: number;
  /** Printable ASCII bytes mean themselves, so that such text may stand between quotes. */
  readonly ascii: boolean;
  /** Valid UTF-8 may stand between quotes as it is. */
  readonly utf8: boolean;
}

const byName = new Map<string, Charset>();
const byCollation = new Map<number, Charset>();

for (const { name, maxBytes, ascii, collations } of CHARSET_DATA) {
  const charset: Charset = { name, maxBytes, ascii, utf8: name === 'utf8mb3' || name === 'utf8mb4' };
  byName.set(name, charset);
  for (const range of collations) {
    const [first, last] = typeof range === 'number' ? [range, range] : range;
    for (let id = first; id <= last; id++) byCollation.set(id, charset);
  }
}

/** By information_schema's name; `utf8` is what servers called utf8mb3 before MySQL 8.0.30 and MariaDB 10.6. */
export function charsetByName(name: string): Charset | undefined {
  return byName.get(name === 'utf8' ? 'utf8mb3' : name);
}

/** By the collation id that TABLE_MAP carries. */
export function charsetByCollation(id: number): Charset | undefined {
  return byCollation.get(id);
}
