import { quoteName, quoteTable } from '../../core/identifiers.ts';
import { Tokenizer } from '../../binlog/sql/tokenizer.ts';
import type { NameMap } from './name-map.ts';
import { keepablePrefix } from './order.ts';
import type { ConstraintText, KeyText, TableText } from '../../schema/table-text.ts';

export interface Clauses {
  readonly dropped: readonly string[];
  readonly added: readonly string[];
}

export interface ConstraintClauses extends Clauses {
  /** Foreign keys among the added. */
  readonly foreign: readonly ConstraintText[];
}

const GROUPS = ['primary', 'unique', 'plain', 'fulltext'] as const;
/** At the end of an index line: not used by the optimizer. */
const UNUSED = /( IGNORED| \/\*!80000 INVISIBLE \*\/)$/;

/**
 * Clauses that turn the indexes of `after` into those of `before`, in the order in which the server shows them.
 * @param touched indexes of `after` that must be made anew though they look the same.
 */
export function keyClauses(after: TableText, before: TableText, names: NameMap, touched: (key: KeyText) => boolean): Clauses {
  const dropped: string[] = [];
  const added: string[] = [];
  for (const group of GROUPS) {
    const wanted = before.keys.filter((key) => key.group === group);
    const now = after.keys.filter((key) => key.group === group);
    const renamed = renamedKeys(now, wanted, names);
    const called = (key: KeyText): string => renamed.get(key.name) ?? key.name;
    const same = (key: KeyText): boolean => wanted.some((other) => other.name === key.name && used(other.text) === used(names.translate(key.text)));
    const stays = now.filter((key) => !touched(key) && (same(key) || renamed.has(key.name))).map(called);
    const kept = new Set(wanted.slice(0, keepablePrefix(wanted.map((key) => key.name), stays)).map((key) => key.name));
    for (const key of now) {
      if (!kept.has(called(key))) dropped.push(group === 'primary' ? 'DROP PRIMARY KEY' : `DROP KEY ${quoteName(key.name)}`);
      else if (renamed.has(key.name)) added.push(`RENAME KEY ${quoteName(key.name)} TO ${quoteName(called(key))}`);
    }
    for (const key of wanted) {
      const present = now.find((other) => called(other) === key.name);
      if (!kept.has(key.name)) added.push(`ADD ${key.text}`);
      else if (present && UNUSED.test(present.text) !== UNUSED.test(key.text)) added.push(`ALTER INDEX ${quoteName(key.name)} ${visibility(present.text, key.text)}`);
    }
  }
  return { dropped, added };
}

const used = (text: string): string => text.replace(UNUSED, '');

function visibility(now: string, wanted: string): string {
  const mariadb = `${now}${wanted}`.includes(' IGNORED');
  return UNUSED.test(wanted) ? (mariadb ? 'IGNORED' : 'INVISIBLE') : mariadb ? 'NOT IGNORED' : 'VISIBLE';
}

/**
 * Indexes that the server may take for ones it made itself for a foreign key: adding the foreign key again replaces them,
 * behind the others.
 */
export function keysOfForeignKeys(after: TableText, added: readonly ConstraintText[]): ReadonlySet<string> {
  const replaced = new Set<string>();
  const last = after.keys.findLast((key) => key.group === 'plain');
  for (const { name, text } of added) {
    const columns = /FOREIGN KEY (\(.*?\)) REFERENCES/.exec(text)?.[1]?.slice(0, -1);
    if (columns === undefined) continue;
    for (const key of after.keys) {
      if (key.group === 'plain' && key.text.includes(` ${columns}`) && !(key === last && key.name === name)) replaced.add(key.name);
    }
  }
  return replaced;
}

/** Indexes that differ from one of before in nothing but the name. */
function renamedKeys(now: readonly KeyText[], wanted: readonly KeyText[], names: NameMap): Map<string, string> {
  const bodyOf = (key: KeyText, text: string): string => text.replace(quoteName(key.name), '');
  const renamed = new Map<string, string>();
  for (const key of now) {
    if (wanted.some((other) => other.name === key.name)) continue;
    const body = bodyOf(key, names.translate(key.text));
    const other = wanted.find((candidate) => bodyOf(candidate, candidate.text) === body && !now.some(({ name }) => name === candidate.name)
      && ![...renamed.values()].includes(candidate.name));
    if (other) renamed.set(key.name, other.name);
  }
  return renamed;
}

const KINDS = ['foreign', 'check', 'period'] as const;

/**
 * The same for foreign keys, checks and periods.
 * @param schema of the table, since a foreign key to a table of the same schema is shown without it.
 */
export function constraintClauses(schema: string, after: TableText, before: TableText, names: NameMap, flavour: 'mysql' | 'mariadb'): ConstraintClauses {
  const dropped: string[] = [];
  const added: string[] = [];
  const foreign: ConstraintText[] = [];
  for (const kind of KINDS) {
    const wanted = before.constraints.filter((constraint) => constraint.kind === kind);
    const now = after.constraints.filter((constraint) => constraint.kind === kind);
    // Names that the server made from the table's follow it through a rename.
    const called = (name: string): string => (name.startsWith(`${after.name}_`) && /_(?:ibfk|chk|fk)_\d+$/.test(name) ? before.name + name.slice(after.name.length) : name);
    const same = (constraint: ConstraintText): boolean => wanted.some((other) => other.name === called(constraint.name)
      && other.text === names.translate(constraint.text.replace(quoteName(constraint.name), quoteName(called(constraint.name)))));
    const stays = now.filter(same).map(({ name }) => called(name));
    // Foreign keys are shown by name, whenever they were made.
    const kept = new Set(kind === 'foreign' ? stays : wanted.slice(0, keepablePrefix(wanted.map(({ name }) => name), stays)).map(({ name }) => name));
    for (const constraint of now) if (!kept.has(called(constraint.name))) dropped.push(dropConstraint(constraint, flavour));
    for (const constraint of wanted) {
      if (kept.has(constraint.name)) continue;
      added.push(`ADD ${kind === 'foreign' ? qualified(constraint.text, schema) : constraint.text}`);
      if (kind === 'foreign') foreign.push(constraint);
    }
  }
  return { dropped, added, foreign };
}

function dropConstraint({ kind, name }: ConstraintText, flavour: 'mysql' | 'mariadb'): string {
  if (kind === 'foreign') return `DROP FOREIGN KEY ${quoteName(name)}`;
  if (kind === 'period') return name === 'SYSTEM_TIME' ? 'DROP PERIOD FOR SYSTEM_TIME' : `DROP PERIOD FOR ${quoteName(name)}`;
  return flavour === 'mysql' ? `DROP CHECK ${quoteName(name)}` : `DROP CONSTRAINT ${quoteName(name)}`;
}

/** `REFERENCES t` with the schema in front, so that it means the same in every session. */
export function qualified(text: string, schema: string): string {
  const tokenizer = new Tokenizer(text, { sqlMode: 0, flavour: 'mysql' });
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) {
    if (token.keyword !== 'REFERENCES') continue;
    const table = tokenizer.next();
    const dot = tokenizer.next();
    if (table.kind !== 'name' || (dot.kind === 'punct' && dot.text === '.')) return text;
    return `${text.slice(0, table.start)}${quoteTable(schema, table.text)}${text.slice(table.end)}`;
  }
  return text;
}
