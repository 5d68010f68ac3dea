import { quoteTable } from '../../core/identifiers.ts';
import type { DdlStatement } from './ddl-statement.ts';
import { readDdl, readRenameStatement } from './ddl.ts';
import { SqlReader, type Place, type TableName } from './reader.ts';
import { Tokenizer, type SqlDialect, type Token } from './tokenizer.ts';

export type Requalified =
  | { readonly text: string; readonly statement: DdlStatement }
  | { readonly refused: string };

/** Engines whose tables live inside the server alone: no files elsewhere, no other server, no code. */
const ENGINES = new Set(['INNODB', 'MYISAM', 'ARIA', 'MEMORY', 'HEAP', 'ARCHIVE', 'CSV', 'BLACKHOLE', 'ROCKSDB']);
/** Functions that do something by being evaluated. */
const ACTING = new Set(['SLEEP', 'BENCHMARK', 'GET_LOCK', 'LOAD_FILE', 'RELEASE_LOCK', 'MASTER_POS_WAIT', 'SOURCE_POS_WAIT', 'NEXTVAL', 'SETVAL', 'LASTVAL']);
/** Variables of `SET STATEMENT` without a bearing on what a DDL makes, or told by the event itself (sql_mode, time_zone). */
const IDLE_VARIABLES = new Set([
  'MAX_STATEMENT_TIME', 'LOCK_WAIT_TIMEOUT', 'INNODB_LOCK_WAIT_TIMEOUT', 'FOREIGN_KEY_CHECKS', 'UNIQUE_CHECKS', 'ALTER_ALGORITHM', 'SQL_MODE', 'TIME_ZONE',
]);

/**
 * Rewrites a CREATE, ALTER or RENAME of tables, or a CREATE or DROP INDEX, so that every table it names is a table of another
 * schema, written out in full, and no comment is left. What follows a CREATE TABLE of MySQL's CREATE TABLE ... SELECT is dropped.
 * Whatever is not surely such a statement, or might reach beyond the tables that it names, is refused: the text may come from
 * anyone who may run DDL on the source, and runs under another account on another server.
 * @param home the schema to write in place of one.
 */
export function requalify(sql: string, dialect: SqlDialect & { readonly schema: string }, home: (schema: string) => string): Requalified {
  const reader = new SqlReader(sql, dialect);
  const prefix = skipSetStatement(reader);
  if (prefix !== null) return { refused: prefix };
  const begin = reader.peek().start;
  const verb = reader.next().keyword;
  const statement = verb === 'RENAME' ? readRenameStatement(reader)
    : verb === 'CREATE' || verb === 'ALTER' || verb === 'DROP' ? readDdl(verb, reader, dialect.schema) : null;
  if (statement === null || typeof statement === 'string') return { refused: 'it is not DDL on tables' };
  const why = unfit(statement);
  if (why !== null) return { refused: why };
  const places = new Map<number, Place & { readonly name: TableName }>();
  for (const name of statement.like === null ? statement.tables : [...statement.tables, statement.like]) {
    const place = reader.places.get(name);
    if (place) places.set(place.start, { ...place, name });
  }
  return new Writer(sql, dialect, statement, places, home).write(begin);
}

function unfit(statement: DdlStatement): string | null {
  if (!statement.certain) return 'its text was not fully understood';
  if (statement.temporary) return 'its table is temporary';
  if (statement.object !== 'INDEX' && (statement.object !== 'TABLE' || statement.verb === 'DROP' || statement.verb === 'TRUNCATE')) return 'it is not DDL on tables';
  return statement.likeOrSelect === 'select' ? 'it selects from other tables' : null;
}

/** Takes `SET STATEMENT ... FOR`; a text says why it cannot be dropped. */
function skipSetStatement(reader: SqlReader): string | null {
  while (reader.acceptAll('SET', 'STATEMENT')) {
    for (let depth = 0; ; ) {
      if (reader.atEnd()) return 'its text was not fully understood';
      const token = reader.next();
      const name = token.keyword;
      if (name === 'FOR' && depth === 0) break;
      if (token.text === '(') depth++;
      else if (token.text === ')') depth--;
      if (reader.isPunct('=') && !IDLE_VARIABLES.has(name)) return `it sets ${name || 'a variable'} for itself`;
    }
  }
  return null;
}

/** One pass over the tokens of a statement, from which its new text is put together. */
class Writer {
  readonly #sql: string;
  readonly #tokens: Token[] = [];
  readonly #dialect: SqlDialect & { readonly schema: string };
  readonly #statement: DdlStatement;
  readonly #places: ReadonlyMap<number, Place & { readonly name: TableName }>;
  readonly #home: (schema: string) => string;
  /** Names by which an expression may call the columns of the statement's own tables. */
  readonly #own: ReadonlySet<string>;
  #text = '';
  #writtenTo = 0;

  constructor(
    sql: string, dialect: SqlDialect & { readonly schema: string }, statement: DdlStatement, places: ReadonlyMap<number, Place & { readonly name: TableName }>,
    home: (schema: string) => string,
  ) {
    this.#sql = sql;
    this.#dialect = dialect;
    this.#statement = statement;
    this.#places = places;
    this.#home = home;
    this.#own = new Set(statement.tables.map(({ table }) => table.toLowerCase()));
  }

  write(begin: number): Requalified {
    const tokenizer = new Tokenizer(this.#sql, this.#dialect);
    for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) {
      if (token.kind === 'broken') return { refused: 'its text was not fully understood' };
      if (token.start >= begin) this.#tokens.push(token);
    }
    this.#writtenTo = begin;
    let replaced = 0;
    for (let i = 0, depth = 0; i < this.#tokens.length; ) {
      const token = this.#tokens[i]!;
      const place = this.#places.get(token.start);
      if (place) {
        this.#emit(quoteTable(this.#home(place.name.schema), place.name.table), place.start, place.end);
        replaced++;
        while (i < this.#tokens.length && this.#tokens[i]!.start < place.end) i++;
        continue;
      }
      if (token.text === '(' && token.kind === 'punct') depth++;
      if (token.text === ')' && token.kind === 'punct') depth--;
      if (this.#statement.startTransaction && depth === 0 && token.keyword === 'START' && this.#tokens[i + 1]?.keyword === 'TRANSACTION') break;
      if (token.kind === 'punct' && token.text === ';') break;
      const refused = this.#judge(token, i);
      if (refused !== null) return { refused };
      this.#emit(this.#sql.slice(token.start, token.end), token.start, token.end);
      i = token.keyword === 'REFERENCES' ? this.#parent(i + 1) : i + 1;
      if (i < 0) return { refused: 'the parent of a foreign key cannot be told' };
    }
    if (replaced !== this.#places.size) return { refused: 'its text was not fully understood' };
    return { text: this.#text, statement: this.#statement };
  }

  /** What stood apart stays apart; what touched (`X'41'`, `1.5`) still touches. */
  #emit(text: string, start: number, end: number): void {
    this.#text += start > this.#writtenTo && this.#text !== '' ? ` ${text}` : text;
    this.#writtenTo = end;
  }

  /** The table after REFERENCES; where to go on, or -1. */
  #parent(at: number): number {
    const first = this.#tokens[at];
    if (!first || (first.kind !== 'word' && first.kind !== 'name')) return -1;
    const qualified = this.#tokens[at + 1]?.text === '.' && this.#tokens[at + 1]?.kind === 'punct';
    const second = this.#tokens[at + 2];
    if (qualified && (!second || (second.kind !== 'word' && second.kind !== 'name'))) return -1;
    // Without a schema it is the child's, which need not be the session's default.
    const schema = qualified ? first.text : this.#statement.tables[0]!.schema;
    const last = qualified ? second! : first;
    this.#emit(quoteTable(this.#home(schema), last.text), first.start, last.end);
    return at + (qualified ? 3 : 1);
  }

  #judge(token: Token, at: number): string | null {
    const before = this.#tokens[at - 1];
    const after = this.#tokens[at + 1];
    switch (token.keyword) {
      case 'SELECT': case 'UNION': return 'it names other tables';
      case 'DIRECTORY': return before?.keyword === 'DATA' || before?.keyword === 'INDEX' ? 'it names a place in the file system' : null;
      case 'TABLESPACE': return 'it names a tablespace';
      case 'ENGINE': {
        const name = after?.text === '=' ? this.#tokens[at + 2] : after;
        return name !== undefined && name.kind !== 'punct' && !ENGINES.has(name.text.toUpperCase()) ? `its engine is ${name.text}` : null;
      }
    }
    if (ACTING.has(token.keyword) && after?.text === '(') return `it calls ${token.keyword}`;
    if (token.kind !== 'punct') return null;
    if (token.text === '@') return 'it uses a variable';
    if (token.text !== '.') return null;
    const digits = (one: Token | undefined): boolean => one?.kind === 'word' && /^\d/.test(one.text);
    const name = (one: Token | undefined): boolean => one?.kind === 'word' || one?.kind === 'name';
    // 1.5, 1. and .5; else a column that is called by its table.
    if (before?.kind === 'word' && /^\d+$/.test(before.text)) return null;
    if (digits(after) && before !== undefined && before.end < token.start && after!.start === token.end) return null;
    if (!name(before)) return digits(after) ? null : 'it names something that cannot be placed';
    const column = name(after) && this.#own.has(before!.text.toLowerCase()) && this.#tokens[at + 2]?.text !== '.' && this.#tokens[at - 2]?.text !== '.';
    return column ? null : 'it names something that cannot be placed';
  }
}

/** Writes schemas back where a server's own text names them before a dot: `REFERENCES \`here\`.\`t\``. */
export function renameSchemas(sql: string, flavour: SqlDialect['flavour'], names: ReadonlyMap<string, string>): string {
  const tokenizer = new Tokenizer(sql, { sqlMode: 0, flavour });
  let text = '';
  let copied = 0;
  let last: Token | null = null;
  for (let token = tokenizer.next(); token.kind !== 'end' && token.kind !== 'broken'; token = tokenizer.next()) {
    const name = last?.kind === 'name' && token.kind === 'punct' && token.text === '.' ? names.get(last.text) : undefined;
    if (name !== undefined && last) {
      text += `${sql.slice(copied, last.start)}\`${name.replaceAll('`', '``')}\``;
      copied = last.end;
    }
    last = token;
  }
  return text + sql.slice(copied);
}
