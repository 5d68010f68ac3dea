import { Tokenizer, type Token } from '../../binlog/sql/tokenizer.ts';
import { quoteName, quoteTable } from '../../core/identifiers.ts';
import type { ObjectName, ObjectText } from '../../schema/objects/object.ts';

type Flavour = 'mysql' | 'mariadb';

function tokensOf({ sql, session }: ObjectText, flavour: Flavour): Token[] | null {
  const tokenizer = new Tokenizer(sql, { sqlMode: session?.readWith ?? 0, flavour });
  const tokens: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) {
    if (token.kind === 'broken') return null;
    tokens.push(token);
  }
  return tokens;
}

/** Where the name in `tokens` that begins at `at` is over: behind `a`, or behind `a.b`. */
const behindName = (tokens: readonly Token[], at: number): number => (tokens[at + 1]?.kind === 'punct' && tokens[at + 1]?.text === '.' ? at + 3 : at + 1);

/** Parts of a text between CREATE and the name, and behind the name. */
interface Opened {
  readonly tokens: readonly Token[];
  /** From the words between CREATE and the object's word, that one included. */
  readonly head: string;
  /** The token behind the name. */
  readonly rest: number;
}

function open(text: ObjectText, word: string, flavour: Flavour): Opened | null {
  const tokens = tokensOf(text, flavour);
  if (tokens === null || tokens[0]?.keyword !== 'CREATE') return null;
  let first = 1;
  if (tokens[first]?.keyword === 'OR') first += 2;
  const object = tokens.findIndex((token, i) => i >= first && token.keyword === word);
  if (object < 0) return null;
  let name = object + 1;
  if (tokens[name]?.keyword === 'IF') name += 3;
  if (!tokens[name]) return null;
  return { tokens, head: text.sql.slice(tokens[first]!.start, tokens[object]!.end), rest: behindName(tokens, name) };
}

/** The text that makes an object again, with every name qualified by its schema. */
export function objectAgain(of: Pick<ObjectName, 'schema' | 'kind'>, text: ObjectText, flavour: Flavour, verb = 'CREATE'): string | null {
  const opened = open(text, of.kind, flavour);
  if (!opened) return null;
  const { tokens, head, rest } = opened;
  return `${verb} ${head} ${quoteTable(of.schema, text.name)}${text.sql.slice(tokens[rest - 1]!.end)}`;
}

/**
 * The same for a trigger.
 * @param place `FOLLOWS` or `PRECEDES` another trigger; empty: behind all others.
 */
export function triggerAgain(schema: string, text: ObjectText, place: string, flavour: Flavour, verb = 'CREATE'): string | null {
  const opened = open(text, 'TRIGGER', flavour);
  if (!opened) return null;
  const { tokens, head, rest } = opened;
  const on = tokens.findIndex((token, i) => i >= rest && token.keyword === 'ON');
  const each = tokens.findIndex((token, i) => i > on && token.keyword === 'FOR' && tokens[i + 1]?.keyword === 'EACH');
  if (on < 0 || each < 0 || !tokens[each + 2]) return null;
  const table = tokens[behindName(tokens, on + 1) - 1]!;
  const row = tokens[each + 2]!;
  const { sql } = text;
  return `${verb} ${head} ${quoteTable(schema, text.name)}${sql.slice(tokens[rest - 1]!.end, tokens[on]!.end)} ${quoteTable(schema, table.text)}${sql.slice(table.end, row.end)}${place === '' ? '' : ` ${place}`}${sql.slice(row.end)}`;
}

/** Where a trigger stands among those of its moment, as CREATE TRIGGER takes it. */
export function triggerPlace(triggers: readonly ObjectText[], text: ObjectText): string {
  const same = triggers.filter(({ moment }) => moment === text.moment);
  const at = same.indexOf(text);
  const [before, after] = [same[at - 1], same[at + 1]];
  return before ? `FOLLOWS ${quoteName(before.name)}` : after ? `PRECEDES ${quoteName(after.name)}` : '';
}

/** The ALTER EVENT that gives an event back all that it was, its name too. */
export function eventBack({ schema }: ObjectName, text: ObjectText, now: string, flavour: Flavour): string | null {
  const opened = open(text, 'EVENT', flavour);
  if (!opened) return null;
  const { tokens, head, rest } = opened;
  const preserve = tokens.findIndex((token, i) => i >= rest && token.keyword === 'PRESERVE');
  const doing = tokens.findIndex((token, i) => i > preserve && token.keyword === 'DO');
  if (preserve < 0 || doing < 0) return null;
  const { sql } = text;
  const commented = tokens.slice(preserve, doing).some(({ keyword }) => keyword === 'COMMENT');
  const rename = now === text.name ? '' : ` RENAME TO ${quoteTable(schema, text.name)}`;
  return `ALTER ${head} ${quoteTable(schema, now)}${sql.slice(tokens[rest - 1]!.end, tokens[preserve]!.end)}${rename}${sql.slice(tokens[preserve]!.end, tokens[doing - 1]!.end)}${commented ? '' : " COMMENT ''"} ${sql.slice(tokens[doing]!.start)}`;
}

/** The ALTER SEQUENCE that gives back what a sequence was, but for how far it has counted. */
export function sequenceBack(of: ObjectName, text: ObjectText, flavour: Flavour): string | null {
  const opened = open(text, 'SEQUENCE', flavour);
  if (!opened) return null;
  const { tokens, rest } = opened;
  const engine = tokens.findIndex((token, i) => i >= rest && token.keyword === 'ENGINE');
  return `ALTER SEQUENCE ${quoteTable(of.schema, of.name)}${text.sql.slice(tokens[rest - 1]!.end, engine < 0 ? undefined : tokens[engine]!.start).trimEnd()}`;
}
