/**
 * sql_mode bits that change how text is read (MySQL sql/system_variables.h, MariaDB sql/sql_class.h: the same values;
 * status variable Q_SQL_MODE_CODE carries them). sql_mode=ANSI, ORACLE and their kin set ANSI_QUOTES as well.
 */
export const sqlModeBits = { ANSI_QUOTES: 0x4, NO_BACKSLASH_ESCAPES: 0x100000 } as const;

/**
 * `word`: bare identifier, keyword or number. `name`: quoted identifier. `string`: string literal. `punct`: one character.
 * `broken`: a quote or comment that does not end. `end`: no more tokens, given again for ever.
 */
export type TokenKind = 'word' | 'name' | 'string' | 'punct' | 'broken' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Names and strings without quotes; escapes of names resolved, those of strings as written. */
  readonly text: string;
  /** A word in upper case for comparison with keywords; empty for every other kind, so that `\`select\`` is no keyword. */
  readonly keyword: string;
  readonly start: number;
  readonly end: number;
}

export interface SqlDialect {
  readonly sqlMode: number;
  readonly flavour: 'mysql' | 'mariadb';
}

// ASCII only: the servers take U+00A0 and its kin for letters.
const SPACE = /[ \t\n\v\f\r\0]+/y;
// Every character from U+0080 on may stand in a bare identifier, on both servers.
const WORD = /[0-9A-Za-z_$\u0080-\uffff]+/y;
const VERSION = /\d{5,6}/y;
// eslint-disable-next-line no-control-regex -- "--" opens a comment only before white space or a control character.
const DASH_COMMENT = /--(?=[\x00-\x20]|$)/y;
// eslint-disable-next-line no-control-regex -- only ASCII words can be keywords; toUpperCase() maps some other letters onto ASCII.
const ASCII = /^[\x00-\x7f]*$/;

function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/**
 * Does the server run what stands in a comment `/*!NNNNN`? Text in the binlog has its not-executed ones defused already
 * (both servers overwrite the "!" with a space), so this is only about text logged through other ways.
 * MariaDB skips MySQL's numbers from 5.7.0 to 99999, except in `/*M!`. Numbers above any release mean "never".
 */
function runs(version: number, flavour: 'mysql' | 'mariadb', mariadbOnly: boolean): boolean {
  if (flavour === 'mysql') return version < 200_000;
  return version < 900_000 && (mariadbOnly || version < 50_700 || version > 99_999);
}

/** Reads SQL text token by token, in one pass, as the lexers of both servers do. Never throws. */
export class Tokenizer {
  readonly #sql: string;
  readonly #flavour: 'mysql' | 'mariadb';
  readonly #ansiQuotes: boolean;
  readonly #backslash: boolean;
  #at = 0;
  #inExecutable = false;

  constructor(sql: string, dialect: SqlDialect) {
    this.#sql = sql;
    this.#flavour = dialect.flavour;
    this.#ansiQuotes = (dialect.sqlMode & sqlModeBits.ANSI_QUOTES) !== 0;
    this.#backslash = (dialect.sqlMode & sqlModeBits.NO_BACKSLASH_ESCAPES) === 0;
  }

  next(): Token {
    if (!this.#skipBlank()) return this.#broken(this.#at);
    const sql = this.#sql;
    const start = this.#at;
    if (start >= sql.length) {
      if (!this.#inExecutable) return { kind: 'end', text: '', keyword: '', start, end: start };
      this.#inExecutable = false;
      return this.#broken(start);
    }
    const wordEnd = matchAt(WORD, sql, start);
    if (wordEnd > start) {
      this.#at = wordEnd;
      const text = sql.slice(start, wordEnd);
      return { kind: 'word', text, keyword: ASCII.test(text) ? text.toUpperCase() : '', start, end: wordEnd };
    }
    const c = sql[start]!;
    if (c === '`' || (c === '"' && this.#ansiQuotes)) return this.#quoted(c, 'name', false);
    if (c === "'" || c === '"') return this.#quoted(c, 'string', this.#backslash);
    this.#at = start + 1;
    return { kind: 'punct', text: c, keyword: '', start, end: this.#at };
  }

  #broken(start: number): Token {
    this.#at = this.#sql.length;
    return { kind: 'broken', text: '', keyword: '', start, end: this.#at };
  }

  #quoted(quote: string, kind: 'name' | 'string', backslash: boolean): Token {
    const sql = this.#sql;
    const start = this.#at;
    for (let at = start + 1; at < sql.length; at++) {
      const c = sql[at];
      if (backslash && c === '\\') at++;
      else if (c === quote) {
        if (sql[at + 1] === quote) at++;
        else {
          this.#at = at + 1;
          const inner = sql.slice(start + 1, at);
          return { kind, text: kind === 'name' ? inner.replaceAll(quote + quote, quote) : inner, keyword: '', start, end: this.#at };
        }
      }
    }
    return this.#broken(start);
  }

  /** Skips white space and comments, entering and leaving executable ones; false when a comment does not end. */
  #skipBlank(): boolean {
    const sql = this.#sql;
    for (;;) {
      const before = this.#at;
      this.#at = matchAt(SPACE, sql, before);
      const c = sql[this.#at];
      if (c === '#' || (c === '-' && matchAt(DASH_COMMENT, sql, this.#at) > this.#at)) {
        const newline = sql.indexOf('\n', this.#at);
        this.#at = newline < 0 ? sql.length : newline + 1;
      } else if (c === '*' && this.#inExecutable && sql[this.#at + 1] === '/') {
        this.#inExecutable = false;
        this.#at += 2;
      } else if (c === '/' && sql[this.#at + 1] === '*') {
        if (!this.#comment()) return false;
      } else if (this.#at === before) return true;
    }
  }

  #comment(): boolean {
    const sql = this.#sql;
    const mariadbOnly = sql.startsWith('M!', this.#at + 2);
    if (sql[this.#at + 2] !== '!' && !(mariadbOnly && this.#flavour === 'mariadb')) return this.#closeAfter(this.#at + 2);
    const inner = this.#at + (mariadbOnly ? 4 : 3);
    const afterVersion = matchAt(VERSION, sql, inner);
    if (afterVersion === inner || runs(Number(sql.slice(inner, afterVersion)), this.#flavour, mariadbOnly)) {
      this.#inExecutable = true;
      this.#at = afterVersion;
      return true;
    }
    return this.#closeNested(afterVersion);
  }

  #closeAfter(from: number): boolean {
    const close = this.#sql.indexOf('*/', from);
    if (close < 0) return false;
    this.#at = close + 2;
    return true;
  }

  /** A version comment that does not run may hold plain comments, one deep. */
  #closeNested(from: number): boolean {
    this.#at = from;
    for (;;) {
      const open = this.#sql.indexOf('/*', this.#at);
      const close = this.#sql.indexOf('*/', this.#at);
      if (close < 0) return false;
      if (open < 0 || close < open) {
        this.#at = close + 2;
        return true;
      }
      if (!this.#closeAfter(open + 2)) return false;
    }
  }
}
