import { Tokenizer, type SqlDialect, type Token } from './tokenizer.ts';

/** A table or other schema object as a statement names it, the default schema filled in (empty where there is none). */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Where a name stands in a text. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** Tokens with look-ahead, and the small pieces of grammar that many statements share. Reads only as far as asked. */
export class SqlReader {
  readonly #sql: string;
  readonly #tokenizer: Tokenizer;
  /** Tokens read and not yet taken, from `#head` on: shifting the array would cost its length each time. */
  #ahead: Token[] = [];
  #head = 0;
  readonly #defaultSchema: string;
  /** Set once something was read that does not fit the grammar known here; what was read so far may be wrong. */
  doubt = false;
  /** Where each name that `tableName` gave stands. */
  readonly places = new Map<TableName, Place>();

  constructor(sql: string, dialect: SqlDialect & { readonly schema: string }) {
    this.#sql = sql;
    this.#tokenizer = new Tokenizer(sql, dialect);
    this.#defaultSchema = dialect.schema;
  }

  /**
   * Text of a character set such as gbk or sjis read as UTF-8: there a backslash or backquote can be the second byte of a
   * letter, and quotes cannot be told.
   */
  garbled(): boolean {
    return /\ufffd[`\\]/.test(this.#sql);
  }

  peek(distance = 0): Token {
    while (this.#ahead.length <= this.#head + distance) {
      const token = this.#tokenizer.next();
      if (token.kind === 'broken') this.doubt = true;
      this.#ahead.push(token);
    }
    return this.#ahead[this.#head + distance]!;
  }

  next(): Token {
    const token = this.peek();
    if (++this.#head === this.#ahead.length) {
      this.#ahead = [];
      this.#head = 0;
    }
    return token;
  }

  /** The keyword ahead, or empty. */
  keyword(distance = 0): string {
    return this.peek(distance).keyword;
  }

  isPunct(text: string, distance = 0): boolean {
    const token = this.peek(distance);
    return token.kind === 'punct' && token.text === text;
  }

  /** Takes the next token when it is one of these keywords. */
  accept(...keywords: readonly string[]): boolean {
    if (!keywords.includes(this.keyword()) || this.keyword() === '') return false;
    this.next();
    return true;
  }

  /** Takes these keywords when all of them come next, in this order. */
  acceptAll(...keywords: readonly string[]): boolean {
    if (!keywords.every((keyword, i) => this.keyword(i) === keyword)) return false;
    for (let i = 0; i < keywords.length; i++) this.next();
    return true;
  }

  acceptPunct(text: string): boolean {
    if (!this.isPunct(text)) return false;
    this.next();
    return true;
  }

  /** True at the end of the statement. */
  atEnd(): boolean {
    return this.peek().kind === 'end' || (this.isPunct(';') && this.peek(1).kind === 'end');
  }

  /** Notes doubt unless the statement ends here. */
  expectEnd(): void {
    if (!this.atEnd()) this.doubt = true;
  }

  identifier(): string | null {
    const { kind, text } = this.peek();
    if (kind !== 'word' && kind !== 'name') return null;
    this.next();
    return text;
  }

  /** `t`, `s.t`, `s . t` or `.t`; null, with doubt, when no name comes next. */
  tableName(): TableName | null {
    const { start } = this.peek();
    const leadingDot = this.acceptPunct('.');
    let { end } = this.peek();
    const first = this.identifier();
    let second: string | null | undefined;
    if (first !== null && !leadingDot && this.acceptPunct('.')) {
      ({ end } = this.peek());
      second = this.identifier();
    }
    if (first === null || second === null) {
      this.doubt = true;
      return null;
    }
    const name = second === undefined ? { schema: this.#defaultSchema, table: first } : { schema: first, table: second };
    this.places.set(name, { start, end });
    return name;
  }

  /** MariaDB's `WAIT n` and `NOWAIT` after a table name. */
  skipLockWait(): void {
    if (this.accept('NOWAIT')) return;
    if (this.keyword() === 'WAIT' && /^\d+$/.test(this.peek(1).text)) {
      this.next();
      this.next();
      // A fraction of a second is a dot and a further word to this tokenizer.
      if (this.acceptPunct('.')) this.next();
    }
  }

  /** `IF EXISTS` */
  ifExists(): boolean {
    return this.acceptAll('IF', 'EXISTS');
  }

  /** `IF NOT EXISTS` */
  ifNotExists(): boolean {
    return this.acceptAll('IF', 'NOT', 'EXISTS');
  }

  /** An account name: `u`, `'u'@'h'`, `u@10.0.0.1`, `CURRENT_USER()`, `CURRENT_ROLE`. */
  skipAccount(): void {
    this.next();
    if (this.acceptPunct('(')) this.acceptPunct(')');
    if (!this.acceptPunct('@')) return;
    let end = this.next().end;
    // A bare host name goes on as long as no space ends it; to this tokenizer it is several words and dots.
    while (this.peek().start === end && (this.peek().kind === 'word' || this.isPunct('.') || this.isPunct('-'))) end = this.next().end;
  }
}
