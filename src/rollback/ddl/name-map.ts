import { Tokenizer } from '../../binlog/sql/tokenizer.ts';
import { quoteName } from '../../core/identifiers.ts';

/** A column or table that a statement renamed. */
export interface Renamed {
  readonly from: string;
  readonly to: string;
}

/** Names of the definition after, as they were called before; what was not renamed maps to itself. Letter case does not count. */
export class NameMap {
  readonly #before: ReadonlyMap<string, string>;
  readonly #flavour: 'mysql' | 'mariadb';

  constructor(renames: readonly Renamed[], flavour: 'mysql' | 'mariadb') {
    // Whoever has the name of a renamed column now is another column: a name that no definition holds.
    const taken = renames.map(({ from }): [string, string] => [from.toLowerCase(), `\0${from}`]);
    this.#before = new Map([...taken, ...renames.map(({ from, to }): [string, string] => [to.toLowerCase(), from])]);
    this.#flavour = flavour;
  }

  before(name: string): string {
    return this.#before.get(name.toLowerCase()) ?? name;
  }

  /** The text with every backquoted name as it was before. */
  translate(text: string): string {
    if (this.#before.size === 0) return text;
    const tokenizer = new Tokenizer(text, { sqlMode: 0, flavour: this.#flavour });
    let translated = '';
    let from = 0;
    for (let token = tokenizer.next(); token.kind !== 'end' && token.kind !== 'broken'; token = tokenizer.next()) {
      if (token.kind !== 'name') continue;
      translated += text.slice(from, token.start) + quoteName(this.before(token.text));
      from = token.end;
    }
    return translated + text.slice(from);
  }
}
