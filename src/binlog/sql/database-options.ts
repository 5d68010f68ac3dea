import { SqlReader } from './reader.ts';
import type { SqlDialect } from './tokenizer.ts';

export interface DatabaseOptions {
  readonly characterSet: string | null;
  readonly collation: string | null;
}

/** CHARACTER SET and COLLATE of a CREATE or ALTER DATABASE; null where they cannot be told, as with DEFAULT for a name. */
export function databaseOptions(sql: string, dialect: SqlDialect): DatabaseOptions | null {
  const reader = new SqlReader(sql, { ...dialect, schema: '' });
  let characterSet: string | null = null;
  let collation: string | null = null;
  while (!reader.atEnd()) {
    const isSet = reader.accept('CHARSET') || reader.acceptAll('CHARACTER', 'SET');
    if (!isSet && !reader.accept('COLLATE')) {
      reader.next();
      continue;
    }
    reader.acceptPunct('=');
    const { kind, text } = reader.next();
    if (kind === 'punct' || !/^\w+$/.test(text) || text.toUpperCase() === 'DEFAULT') return null;
    if (isSet) characterSet = text.toLowerCase();
    else collation = text.toLowerCase();
  }
  return reader.doubt ? null : { characterSet, collation };
}
