import { Tokenizer, type SqlDialect, type Token } from './tokenizer.ts';

/** gh-ost and pt-online-schema-change alter a copy of a table, which then takes the table's name. These are their names for it. */
const COPY_SUFFIXES = ['_gho', '_new'] as const;
/** gh-ost's own log of a change, and where it notes how far it has come. */
const LOG_SUFFIXES = ['_ghc', '_ghk'] as const;
/** Columns that only these tables have (gh-ost go/logic/applier.go). */
const LOG_COLUMNS = ['hint_uidx', 'gh_ost_chk_id'] as const;
/** Names longer than this are made to fit by gh-ost, which cuts the table's. */
const MOST_NAME = 64;

/** Whether a name is `_t_gho` or `_t_new`; pt-online-schema-change puts more underscores in front where the name was taken. */
export function isCopyName(name: string, table: string): boolean {
  return isHelperName(name, table, COPY_SUFFIXES);
}

export function isLogName(name: string, table: string): boolean {
  return isHelperName(name, table, LOG_SUFFIXES);
}

function isHelperName(name: string, table: string, suffixes: readonly string[]): boolean {
  const suffix = suffixes.find((end) => name.endsWith(end));
  if (suffix === undefined || !name.startsWith('_')) return false;
  const core = name.slice(1, -suffix.length);
  const cut = name.length === MOST_NAME && table.length > core.length && table.startsWith(core);
  return cut || (core.endsWith(table) && /^_*$/.test(core.slice(0, core.length - table.length)));
}

/** The table whose change a gh-ost log is for, told by its name and its columns; null for any other table. */
export function loggedTable(name: string, sql: string, dialect: SqlDialect): string | null {
  const suffix = LOG_SUFFIXES.find((end) => name.endsWith(end));
  if (suffix === undefined || !/^_./.test(name)) return null;
  return tokensOf(sql, dialect).some(({ text }) => (LOG_COLUMNS as readonly string[]).includes(text)) ? name.slice(1, -suffix.length) : null;
}

/** Of the copies that a table may have, the one that a text names: what triggers of pt-online-schema-change write to. */
export function namedCopy(sql: string, dialect: SqlDialect, table: string): string | null {
  return tokensOf(sql, dialect).find(({ kind, text }) => (kind === 'word' || kind === 'name') && isCopyName(text, table))?.text ?? null;
}

/**
 * Whether two CREATE TABLE have the same columns, keys and constraints in the same words: pt-online-schema-change makes its copy from what SHOW
 * CREATE TABLE prints, with other names of constraints and perhaps another engine.
 */
export function sameColumns(a: string, ofA: SqlDialect, b: string, ofB: SqlDialect): boolean {
  const [one, other] = [bodyOf(a, ofA), bodyOf(b, ofB)];
  return one !== null && other !== null && one.length === other.length && one.every(({ kind, text }, i) => kind === other[i]!.kind && text === other[i]!.text);
}

/** What stands in the first parentheses, without the names of constraints; null: it does not end. */
function bodyOf(sql: string, dialect: SqlDialect): Token[] | null {
  const tokens = tokensOf(sql, dialect);
  const begin = tokens.findIndex(({ kind, text }) => kind === 'punct' && text === '(');
  let depth = 0;
  for (let i = begin; begin >= 0 && i < tokens.length; i++) {
    const { kind, text } = tokens[i]!;
    if (kind !== 'punct') continue;
    if (text === '(') depth++;
    else if (text === ')' && --depth === 0) return tokens.slice(begin, i).filter((_, at, body) => body[at - 1]?.keyword !== 'CONSTRAINT');
  }
  return null;
}

function tokensOf(sql: string, dialect: SqlDialect): Token[] {
  const tokenizer = new Tokenizer(sql, dialect);
  const tokens: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end' && token.kind !== 'broken'; token = tokenizer.next()) tokens.push(token);
  return tokens;
}
