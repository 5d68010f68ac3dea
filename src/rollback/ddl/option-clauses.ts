import type { TableText } from '../../schema/table-text.ts';

/** What a table option has to be set to so that the server shows it no more; `DEFAULT` where nothing else is named. */
const WITHOUT: Readonly<Record<string, string>> = {
  COMMENT: "''", CONNECTION: "''", COMPRESSION: "''", ENGINE_ATTRIBUTE: "''", SECONDARY_ENGINE_ATTRIBUTE: "''", SECONDARY_ENGINE: 'NULL', PASSWORD: "''",
  KEY_BLOCK_SIZE: '0', MIN_ROWS: '0', MAX_ROWS: '0', AVG_ROW_LENGTH: '0', CHECKSUM: '0', TABLE_CHECKSUM: '0', DELAY_KEY_WRITE: '0', AUTOEXTEND_SIZE: '0',
  UNION: '()', INSERT_METHOD: 'NO', ENCRYPTION: "'N'", TRANSACTIONAL: 'DEFAULT',
};
/** Shown as they are, but no part of the definition. */
const COUNTERS = new Set(['AUTO_INCREMENT']);
/** Set together: a character set without its collation means the default one. */
const TOGETHER = new Set(['CHARSET', 'COLLATE']);

/** Clauses that turn the table options of `after` into those of `before`. */
export function optionClauses(after: TableText, before: TableText): string[] {
  const clauses: string[] = [];
  const differs = (name: string): boolean => after.options.get(name) !== before.options.get(name);
  if (['CHARSET', 'COLLATE'].some(differs)) {
    const charset = before.options.get('CHARSET');
    const collation = before.options.get('COLLATE');
    clauses.push([...(charset === undefined ? [] : [`DEFAULT CHARACTER SET ${charset}`]), ...(collation === undefined ? [] : [`COLLATE ${collation}`])].join(' '));
  }
  for (const name of new Set([...before.options.keys(), ...after.options.keys()])) {
    if (COUNTERS.has(name) || TOGETHER.has(name) || !differs(name)) continue;
    const value = before.options.get(name);
    if (name === 'SYSTEM VERSIONING') clauses.push(value === undefined ? 'DROP SYSTEM VERSIONING' : 'ADD SYSTEM VERSIONING');
    else clauses.push(`${name}=${value ?? WITHOUT[name] ?? 'DEFAULT'}`);
  }
  return clauses;
}
