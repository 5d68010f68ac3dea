import { createHash } from 'node:crypto';
import { formatPosition } from '../core/position.ts';
import { describeSelection } from './head.ts';
import type { Plan } from './plan.ts';

/**
 * Names what a script does, for readers that may have it already: equal tags, equal statements. Weak, since each script has an id
 * and a time of its own.
 * @returns null for a range whose end was not given: the next request may mean more.
 */
export function scriptTag(plan: Plan): string | null {
  const { range, selection, options, totals, tables, histories, findings } = plan;
  if (range.stopFrom !== 'asked') return null;
  const told = [
    range.source.alias, range.incarnationId, range.from, range.to, formatPosition(range.start), formatPosition(range.stop), describeSelection(selection),
    { ...options, allow: [...options.allow] }, totals, tables, [...histories.values()].map(({ schema, table, present }) => [schema, table, present]),
    findings.map(({ code, message }) => [code, message]),
  ];
  return `W/"${createHash('sha256').update(JSON.stringify(told)).digest('base64url').slice(0, 32)}"`;
}
