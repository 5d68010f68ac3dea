import type { ColumnDefinition } from '../schema/definition.ts';

/** The members of `enum('a','it''s')` or a SET, in their order; none of another type. */
export function membersOf({ dataType, columnType }: Pick<ColumnDefinition, 'dataType' | 'columnType'>): string[] {
  if (dataType !== 'enum' && dataType !== 'set') return [];
  // A doubled quote stays inside its member.
  return (columnType.match(/'(?:[^']|'')*'/g) ?? []).map((quoted) => quoted.slice(1, -1).replaceAll("''", "'"));
}

/**
 * True when the list of members is another one now, and has all that it had: the values of then can be written by label.
 * All but the list must be equal already.
 */
export function membersMoved(then: ColumnDefinition, now: ColumnDefinition): boolean {
  if (then.dataType !== now.dataType || then.columnType === now.columnType || then.characterSet !== now.characterSet) return false;
  const present = new Set(membersOf(now));
  return present.size > 0 && membersOf(then).every((member) => present.has(member));
}
