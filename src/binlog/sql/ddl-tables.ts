import type { DdlDraft } from './ddl-statement.ts';
import type { SqlReader } from './reader.ts';

/** `a [WAIT n] TO b, c TO d` */
export function readRename(draft: DdlDraft, reader: SqlReader): void {
  do {
    const from = reader.tableName();
    reader.skipLockWait();
    const to = reader.accept('TO') ? reader.tableName() : null;
    if (!from || !to) {
      reader.doubt = true;
      if (from) draft.tables.push(from);
      return;
    }
    draft.renames.push({ from, to });
    draft.tables.push(from, to);
  } while (reader.acceptPunct(','));
  reader.expectEnd();
}

/** `a, b [RESTRICT | CASCADE] [WAIT n]` */
export function readDrop(draft: DdlDraft, reader: SqlReader): void {
  draft.rowsOutsideLog = draft.object !== 'VIEW';
  do {
    const table = reader.tableName();
    if (!table) return;
    draft.tables.push(table);
  } while (reader.acceptPunct(','));
  reader.skipLockWait();
  reader.accept('RESTRICT', 'CASCADE');
  reader.expectEnd();
}

/** Walks the rest of the statement, calling `visit` on every token outside parentheses; the visitor may read on itself. */
function walk(reader: SqlReader, visit: (keyword: string) => boolean): void {
  let depth = 0;
  let afterDot = false;
  while (!reader.atEnd()) {
    // A name after a dot or an @ is never a keyword.
    if (depth === 0 && !afterDot && reader.keyword() !== '' && visit(reader.keyword())) continue;
    const token = reader.next();
    const mark = token.kind === 'punct' ? token.text : '';
    if (mark === '(') depth++;
    else if (mark === ')') depth--;
    else if (mark === ';' && depth === 0) {
      // The text of one event is one statement: more behind a semicolon is not for this reader.
      reader.doubt = true;
      return;
    }
    if (depth < 0) reader.doubt = true;
    afterDot = mark === '.' || mark === '@';
  }
  if (depth !== 0) reader.doubt = true;
}

function addTable(draft: DdlDraft, reader: SqlReader): void {
  const table = reader.tableName();
  if (table) draft.tables.push(table);
}

/** One clause of ALTER TABLE that names another table or changes rows; false when the words ahead are something else. */
function readAlterClause(draft: DdlDraft, reader: SqlReader, keyword: string): boolean {
  switch (keyword) {
    case 'RENAME': {
      reader.next();
      if (['COLUMN', 'INDEX', 'KEY'].includes(reader.keyword())) return true;
      if (!reader.accept('TO', 'AS')) reader.acceptPunct('=');
      const from = draft.tables[0];
      const to = reader.tableName();
      if (!from || !to) return true;
      draft.renames.push({ from, to });
      draft.tables.push(to);
      return true;
    }
    case 'EXCHANGE':
      if (reader.keyword(1) !== 'PARTITION' || reader.keyword(3) !== 'WITH' || reader.keyword(4) !== 'TABLE') return false;
      for (let i = 0; i < 5; i++) reader.next();
      addTable(draft, reader);
      draft.rowsOutsideLog = true;
      return true;
    case 'CONVERT':
      reader.next();
      if (reader.accept('PARTITION')) {
        reader.next();
        if (!reader.acceptAll('TO', 'TABLE')) reader.doubt = true;
      } else if (!reader.accept('TABLE')) return true;
      addTable(draft, reader);
      draft.rowsOutsideLog = true;
      return true;
    case 'DROP': case 'TRUNCATE':
      if (reader.keyword(1) === 'PARTITION') draft.rowsOutsideLog = true;
      return false;
    case 'IMPORT': case 'DISCARD':
      if (reader.keyword(1) === 'TABLESPACE' || reader.keyword(1) === 'PARTITION') draft.rowsOutsideLog = true;
      return false;
    default:
      return false;
  }
}

/** `t [WAIT n] clause, ...` */
export function readAlterTable(draft: DdlDraft, reader: SqlReader): void {
  addTable(draft, reader);
  reader.skipLockWait();
  walk(reader, (keyword) => readAlterClause(draft, reader, keyword));
}

function startsQuery(reader: SqlReader, distance: number): boolean {
  let at = distance;
  while (reader.isPunct('(', at)) at++;
  return ['SELECT', 'WITH', 'VALUES', 'TABLE'].includes(reader.keyword(at));
}

function readLike(draft: DdlDraft, reader: SqlReader): void {
  reader.next();
  draft.likeOrSelect = 'like';
  draft.like = reader.tableName();
}

/** `t LIKE x`, `t (LIKE x)`, `t (columns) options [AS] query [START TRANSACTION]` */
export function readCreateTable(draft: DdlDraft, reader: SqlReader): void {
  // A replaced table takes its rows with it, and no event tells them.
  draft.rowsOutsideLog = draft.orReplace;
  addTable(draft, reader);
  if (reader.keyword() === 'LIKE') readLike(draft, reader);
  else if (reader.isPunct('(') && reader.keyword(1) === 'LIKE') {
    reader.next();
    readLike(draft, reader);
    if (!reader.acceptPunct(')')) reader.doubt = true;
  } else if (reader.isPunct('(') && startsQuery(reader, 0)) draft.likeOrSelect = 'select';
  walk(reader, (keyword) => {
    if (keyword === 'START' && reader.keyword(1) === 'TRANSACTION') draft.startTransaction = true;
    else if (keyword === 'SELECT' || keyword === 'VALUES' || (keyword === 'AS' && startsQuery(reader, 1))) draft.likeOrSelect = 'select';
    else if (keyword === 'TABLE' || (keyword === 'WITH' && reader.keyword(1) !== 'SYSTEM')) draft.likeOrSelect = 'select';
    return false;
  });
}
