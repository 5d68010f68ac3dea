import type { DdlStatement, TableName } from '../../binlog/sql/classify.ts';
import { quoteTable } from '../../core/identifiers.ts';

type Renames = DdlStatement['renames'];

const key = ({ schema, table }: TableName): string => `${schema}\0${table}`;

/**
 * The pairs of a statement that hang together and of which the first table is called `name` now, in the statement's order; empty when
 * `name` is another one's.
 */
export function renamesWith(renames: Renames, name: TableName): Renames {
  return groupsOf(renames).find((pairs) => key(lastName(pairs)) === key(name)) ?? [];
}

/**
 * The RENAME TABLE that takes those pairs back; null when the undo stands with another name. A swap is taken back by one statement,
 * as it was made.
 */
export function renameUndo(renames: Renames, name: TableName): string | null {
  const group = renamesWith(renames, name);
  if (group.length === 0) return null;
  return `RENAME TABLE ${group.toReversed().map(({ from, to }) => `${quoteTable(to.schema, to.table)} TO ${quoteTable(from.schema, from.table)}`).join(', ')}`;
}

/**
 * The pairs of RENAME TABLE IF EXISTS that had something to rename.
 * @param present whether there was anything of a name before the statement; undefined: that is not known.
 * @returns null when that is not known of a name that counts.
 */
export function effectiveRenames(renames: Renames, present: (name: TableName) => boolean | undefined): Renames | null {
  const now = new Map<string, boolean>();
  const effective: Renames[number][] = [];
  for (const pair of renames) {
    const there = now.get(key(pair.from)) ?? present(pair.from);
    if (there === undefined) return null;
    if (!there) continue;
    effective.push(pair);
    now.set(key(pair.from), false).set(key(pair.to), true);
  }
  return effective;
}

/** Pairs that share a name, each group in the statement's order. */
function groupsOf(renames: Renames): Renames[] {
  let groups: { readonly names: ReadonlySet<string>; readonly pairs: Renames }[] = [];
  for (const pair of renames) {
    const own = new Set([key(pair.from), key(pair.to)]);
    const touching = groups.filter(({ names }) => [...own].some((name) => names.has(name)));
    const names = new Set([...own, ...touching.flatMap((group) => [...group.names])]);
    const pairs = [...touching.flatMap((group) => group.pairs), pair].sort((a, b) => renames.indexOf(a) - renames.indexOf(b));
    groups = [...groups.filter((group) => !touching.includes(group)), { names, pairs }];
  }
  return groups.map(({ pairs }) => pairs);
}

/** What the table that is named first is called at the end. */
function lastName(pairs: Renames): TableName {
  let name = pairs[0]!.from;
  for (const { from, to } of pairs) if (key(from) === key(name)) name = to;
  return name;
}
