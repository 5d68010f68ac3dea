import { readAlterTable, readCreateTable, readDrop, readRename } from './ddl-tables.ts';
import type { DdlDraft, DdlStatement, DdlVerb } from './ddl-statement.ts';
import type { SqlReader } from './reader.ts';

/** Objects of which no DDL touches rows or shapes. */
const HARMLESS = new Set(['USER', 'ROLE', 'SERVER', 'TABLESPACE', 'LOGFILE', 'RESOURCE', 'INSTANCE', 'REFERENCE', 'PREPARE', 'LIBRARY']);
/** Words between the verb and the object that say nothing about tables. */
const MODIFIERS = new Set([
  'UNIQUE', 'FULLTEXT', 'SPATIAL', 'VECTOR', 'ONLINE', 'OFFLINE', 'AGGREGATE', 'IGNORE', 'EXTERNAL', 'MATERIALIZED', 'UNDO', 'JSON', 'RELATIONAL', 'DUALITY',
]);
const OBJECTS: Readonly<Record<string, string>> = { SCHEMA: 'DATABASE', TABLES: 'TABLE', VIEWS: 'VIEW', SEQUENCES: 'SEQUENCE' };

export function newDraft(verb: DdlVerb, object: string): DdlDraft {
  return {
    verb, object, tables: [], renames: [], like: null, name: null, database: null, ifExists: false, ifNotExists: false, orReplace: false,
    temporary: false, likeOrSelect: null, startTransaction: false, rowsOutsideLog: false,
  };
}

function finish(draft: DdlDraft, reader: SqlReader): DdlStatement {
  // Routines and events hold no rows: only names that bear on tables must be known.
  const names = draft.object === 'TRIGGER' && draft.name ? [...draft.tables, draft.name] : draft.tables;
  // U+FFFD stands for bytes that were not UTF-8: the name is not what the server knows.
  const readable = names.every(({ schema, table }) => (schema !== '' || draft.temporary) && table !== '' && !`${schema}${table}`.includes('\ufffd'));
  const type = `${draft.verb}${draft.object === 'DATABASE' ? 'DB' : draft.object}`.slice(0, 20);
  return { ...draft, type, certain: readable && !reader.doubt && !reader.garbled() };
}

/** Reads from after CREATE, ALTER or DROP to the object's keyword; an empty object means that none was found. */
function readHead(reader: SqlReader, verb: DdlVerb): DdlDraft {
  let orReplace = false;
  let temporary = false;
  for (;;) {
    if (reader.acceptAll('OR', 'REPLACE')) orReplace = true;
    else if (reader.accept('TEMPORARY')) temporary = true;
    else if (reader.keyword() === 'DEFINER' && reader.isPunct('=', 1)) {
      reader.next();
      reader.next();
      reader.skipAccount();
    } else if (reader.keyword() === 'ALGORITHM' && reader.isPunct('=', 1)) for (let i = 0; i < 3; i++) reader.next();
    else if (reader.acceptAll('SQL', 'SECURITY')) reader.next();
    else if (MODIFIERS.has(reader.keyword())) reader.next();
    else break;
  }
  const word = reader.next().keyword;
  return { ...newDraft(verb, OBJECTS[word] ?? word), orReplace, temporary };
}

/** `name ... ON table`: indexes and CREATE TRIGGER. */
function readOnTable(draft: DdlDraft, reader: SqlReader): void {
  draft.name = reader.tableName();
  while (reader.keyword() !== 'ON' && !reader.atEnd()) reader.next();
  const table = reader.accept('ON') ? reader.tableName() : null;
  if (!table) reader.doubt = true;
  else {
    draft.tables.push(table);
    // An index has no schema of its own, only its table's.
    if (draft.object === 'INDEX' && draft.name) draft.name = { schema: table.schema, table: draft.name.table };
  }
}

function readDatabase(draft: DdlDraft, reader: SqlReader, defaultSchema: string): void {
  // ALTER DATABASE CHARACTER SET ...: the name may be left out, and the words after it are not reserved on both servers.
  const bare = draft.verb === 'ALTER' && reader.peek().kind === 'word' && /^(DEFAULT|CHARACTER|CHARSET|COLLATE|ENCRYPTION|READ|COMMENT)$/.test(reader.keyword());
  draft.database = bare ? defaultSchema : reader.identifier();
  if (draft.database === null || draft.database === '') reader.doubt = true;
  if (draft.verb === 'DROP') {
    draft.rowsOutsideLog = true;
    reader.expectEnd();
  }
}

function readObject(draft: DdlDraft, reader: SqlReader, defaultSchema: string): void {
  draft.ifNotExists = draft.verb === 'CREATE' && reader.ifNotExists();
  draft.ifExists = draft.verb !== 'CREATE' && reader.ifExists();
  switch (draft.object) {
    case 'DATABASE': readDatabase(draft, reader, defaultSchema); return;
    case 'INDEX': readOnTable(draft, reader); return;
    case 'TRIGGER':
      if (draft.verb === 'CREATE') readOnTable(draft, reader);
      else draft.name = reader.tableName();
      return;
    case 'TABLE': case 'VIEW': case 'SEQUENCE':
      if (draft.verb === 'DROP') readDrop(draft, reader);
      else if (draft.object === 'TABLE' && draft.verb === 'CREATE') readCreateTable(draft, reader);
      else if (draft.object === 'TABLE') readAlterTable(draft, reader);
      else {
        const table = reader.tableName();
        if (table) draft.tables.push(table);
      }
      return;
    case 'PACKAGE':
      reader.accept('BODY');
      draft.ifExists ||= reader.ifExists();
      draft.ifNotExists ||= reader.ifNotExists();
      draft.name = reader.tableName();
      return;
    case 'PROCEDURE': case 'FUNCTION': case 'EVENT': draft.name = reader.tableName(); return;
    default: reader.doubt = true;
  }
}

/**
 * A statement that starts with CREATE, ALTER or DROP, the verb taken.
 * A string names an object of which no DDL touches rows or shapes.
 */
export function readDdl(verb: 'CREATE' | 'ALTER' | 'DROP', reader: SqlReader, defaultSchema: string): DdlStatement | string {
  const draft = readHead(reader, verb);
  if (HARMLESS.has(draft.object)) return draft.object;
  readObject(draft, reader, defaultSchema);
  return finish(draft, reader);
}

/** `RENAME TABLE ...`, the word RENAME taken. */
export function readRenameStatement(reader: SqlReader): DdlStatement | string {
  if (reader.accept('USER')) return 'USER';
  const draft = newDraft('RENAME', 'TABLE');
  if (!reader.accept('TABLE', 'TABLES')) reader.doubt = true;
  draft.ifExists = reader.ifExists();
  readRename(draft, reader);
  return finish(draft, reader);
}

/** `TRUNCATE [TABLE] t ...`, the word TRUNCATE taken. */
export function readTruncate(reader: SqlReader): DdlStatement {
  const draft = { ...newDraft('TRUNCATE', 'TABLE'), rowsOutsideLog: true };
  reader.accept('TABLE');
  const table = reader.tableName();
  if (table) draft.tables.push(table);
  reader.skipLockWait();
  while (reader.accept('DROP', 'REUSE', 'STORAGE'));
  reader.expectEnd();
  return finish(draft, reader);
}

/** MySQL's IMPORT TABLE: tables appear, rows and all, whose names are in files of the server. */
export function unknownDdl(verb: DdlVerb, reader: SqlReader): DdlStatement {
  reader.doubt = true;
  return finish({ ...newDraft(verb, 'TABLE'), rowsOutsideLog: true }, reader);
}
