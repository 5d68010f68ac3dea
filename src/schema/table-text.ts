import { Tokenizer, type Token } from '../binlog/sql/tokenizer.ts';
import { UndoError } from '../core/errors.ts';

type Flavour = 'mysql' | 'mariadb';

/** A line of SHOW CREATE TABLE that describes a column. */
export interface ColumnText {
  readonly name: string;
  /** The whole line, as the server wrote it. */
  readonly text: string;
  /** Without the name. */
  readonly body: string;
  readonly generated: 'virtual' | 'stored' | null;
  /** Takes its character set from the table: the line names none though the type has one. */
  readonly inheritsCharset: boolean;
}

/** PRIMARY KEY and secondary indexes; `group` says which lines a server never sorts among each other. */
export interface KeyText {
  readonly name: string;
  readonly text: string;
  readonly group: 'primary' | 'unique' | 'plain' | 'fulltext';
}

export interface ConstraintText {
  readonly name: string;
  readonly text: string;
  readonly kind: 'foreign' | 'check' | 'period';
}

/** SHOW CREATE TABLE taken apart: every piece as the server wrote it, under the name by which two definitions are compared. */
export interface TableText {
  readonly name: string;
  readonly columns: readonly ColumnText[];
  readonly keys: readonly KeyText[];
  readonly constraints: readonly ConstraintText[];
  /** By name in upper case; values as written. */
  readonly options: ReadonlyMap<string, string>;
  /** `PARTITION BY ...`, without the comment around it; null for none. */
  readonly partitions: string | null;
}

const CHARACTER_TYPES = new Set(['CHAR', 'VARCHAR', 'TINYTEXT', 'TEXT', 'MEDIUMTEXT', 'LONGTEXT', 'ENUM', 'SET']);

/**
 * Takes the text of SHOW CREATE TABLE apart. The session that read it had backquotes and backslash escapes on.
 * @throws UndoError INTERNAL when the text is not what the servers known here write.
 */
export function parseTableText(sql: string, flavour: Flavour): TableText {
  return new TableTextReader(sql, flavour).read();
}

class TableTextReader {
  readonly #sql: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(sql: string, flavour: Flavour) {
    this.#sql = sql;
    const tokenizer = new Tokenizer(sql, { sqlMode: 0, flavour });
    for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) {
      if (token.kind === 'broken') throw this.#unknown(token);
      this.#tokens.push(token);
    }
  }

  read(): TableText {
    while (this.#tokens[this.#at]?.kind === 'word') this.#at++;
    const name = this.#take('name').text;
    if (this.#take('punct').text !== '(') throw this.#unknown(this.#tokens[this.#at - 1]);
    const columns: ColumnText[] = [];
    const keys: KeyText[] = [];
    const constraints: ConstraintText[] = [];
    for (const item of this.#items()) {
      const [first, second] = item.tokens;
      if (!first) continue;
      if (first.kind === 'name') columns.push(readColumn(item));
      else if (first.keyword === 'CONSTRAINT' || first.keyword === 'PERIOD') constraints.push(this.#constraint(item));
      else if (/^(PRIMARY|UNIQUE|FULLTEXT|SPATIAL|VECTOR|KEY)$/.test(first.keyword) && second) keys.push(this.#key(item));
      else throw this.#unknown(first);
    }
    const { options, partitions } = this.#tail();
    return { name, columns, keys, constraints, options, partitions };
  }

  /** The parts between commas up to the closing parenthesis, which is taken. */
  #items(): Item[] {
    const items: Item[] = [];
    let depth = 0;
    let from = this.#at;
    for (; ; this.#at++) {
      const token = this.#tokens[this.#at];
      if (!token) throw this.#unknown(token);
      if (token.kind !== 'punct') continue;
      if (token.text === '(') depth++;
      else if (token.text === ')' && depth > 0) depth--;
      else if (depth === 0 && (token.text === ',' || token.text === ')')) {
        const tokens = this.#tokens.slice(from, this.#at);
        // Up to the separator, so that the end of a comment that the server runs belongs to the line.
        items.push({ tokens, start: tokens[0]?.start ?? token.start, text: this.#sql.slice(tokens[0]?.start ?? token.start, token.start).trimEnd() });
        from = this.#at + 1;
        if (token.text === ')') {
          this.#at++;
          return items;
        }
      }
    }
  }

  #key({ tokens, text }: Item): KeyText {
    const group = tokens[0]!.keyword;
    if (group === 'PRIMARY') return { name: 'PRIMARY', text, group: 'primary' };
    const name = tokens.find((token) => token.kind === 'name');
    if (!name) throw this.#unknown(tokens[0]);
    return { name: name.text, text, group: group === 'UNIQUE' ? 'unique' : group === 'FULLTEXT' ? 'fulltext' : 'plain' };
  }

  #constraint({ tokens, text }: Item): ConstraintText {
    const name = tokens.find((token) => token.kind === 'name');
    if (tokens[0]!.keyword === 'PERIOD') return { name: name?.text ?? 'SYSTEM_TIME', text, kind: 'period' };
    const kind = tokens[2]?.keyword;
    if (!name || (kind !== 'FOREIGN' && kind !== 'CHECK')) throw this.#unknown(tokens[0]);
    return { name: name.text, text, kind: kind === 'FOREIGN' ? 'foreign' : 'check' };
  }

  #tail(): Pick<TableText, 'options' | 'partitions'> {
    const options = new Map<string, string>();
    while (this.#at < this.#tokens.length) {
      const token = this.#tokens[this.#at]!;
      if (token.keyword === 'PARTITION' && this.#tokens[this.#at + 1]?.keyword === 'BY') {
        return { options, partitions: this.#sql.slice(token.start).trimEnd().replace(/\s*\*\/$/, '') };
      }
      this.#option(options);
    }
    return { options, partitions: null };
  }

  #option(options: Map<string, string>): void {
    const words: string[] = [];
    for (; ; this.#at++) {
      const token = this.#tokens[this.#at];
      if (token?.kind === 'word') words.push(token.keyword);
      else if (token?.kind === 'name' && words.length === 0) words.push(token.text.toUpperCase());
      else break;
      if (words.join(' ') === 'WITH SYSTEM VERSIONING') {
        this.#at++;
        options.set('SYSTEM VERSIONING', '');
        return;
      }
    }
    const name = words.join(' ').replace(/^DEFAULT /, '');
    const token = this.#tokens[this.#at];
    if (!token || name === '') throw this.#unknown(token);
    if (token.kind === 'punct' && token.text === '=') this.#at++;
    options.set(name, this.#value());
  }

  #value(): string {
    const first = this.#tokens[this.#at++];
    if (!first) throw this.#unknown(first);
    let last = first;
    if (first.kind === 'punct' && first.text === '(') {
      while (last.kind !== 'punct' || last.text !== ')') {
        const next = this.#tokens[this.#at++];
        if (!next) throw this.#unknown(next);
        last = next;
      }
    }
    return this.#sql.slice(first.start, last.end);
  }

  #take(kind: Token['kind']): Token {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== kind) throw this.#unknown(token);
    return token;
  }

  #unknown(token: Token | undefined): UndoError {
    const near = this.#sql.slice(token?.start ?? this.#sql.length, (token?.start ?? 0) + 60);
    return new UndoError('INTERNAL', `SHOW CREATE TABLE cannot be read near ${JSON.stringify(near)}.`);
  }
}

interface Item {
  readonly tokens: readonly Token[];
  readonly start: number;
  readonly text: string;
}

function readColumn({ tokens, start, text }: Item): ColumnText {
  const words: string[] = [];
  let depth = 0;
  for (const token of tokens.slice(1)) {
    if (token.kind === 'punct' && token.text === '(') depth++;
    else if (token.kind === 'punct' && token.text === ')') depth--;
    else if (depth === 0 && token.keyword !== '') words.push(token.keyword);
  }
  const generated = words.includes('GENERATED') && !words.includes('ROW') ? (words.includes('VIRTUAL') ? 'virtual' : 'stored') : null;
  const inheritsCharset = CHARACTER_TYPES.has(words[0] ?? '') && !words.some((word, i) => word === 'CHARACTER' && words[i + 1] === 'SET');
  return { name: tokens[0]!.text, text, body: text.slice(tokens[0]!.end - start).trimStart(), generated, inheritsCharset };
}
