import { SqlReader } from './reader.ts';
import type { SqlDialect } from './tokenizer.ts';

/** Columns that the clauses CHANGE and RENAME COLUMN of an ALTER TABLE rename; empty for every other statement. */
export function columnRenames(sql: string, dialect: SqlDialect): { readonly from: string; readonly to: string }[] {
  const reader = new SqlReader(sql, { ...dialect, schema: '' });
  const renames: { from: string; to: string }[] = [];
  let depth = 0;
  let afterDot = false;
  while (!reader.atEnd()) {
    if (depth === 0 && !afterDot && readRename(reader, renames)) continue;
    const token = reader.next();
    const mark = token.kind === 'punct' ? token.text : '';
    if (mark === '(') depth++;
    else if (mark === ')') depth--;
    afterDot = mark === '.';
  }
  return renames.filter(({ from, to }) => from !== to);
}

function readRename(reader: SqlReader, renames: { from: string; to: string }[]): boolean {
  const change = reader.accept('CHANGE');
  if (!change && !reader.acceptAll('RENAME', 'COLUMN')) return false;
  if (change) reader.accept('COLUMN');
  reader.ifExists();
  const from = reader.identifier();
  if (!change) reader.accept('TO');
  const to = reader.identifier();
  if (from !== null && to !== null) renames.push({ from, to });
  return true;
}
