import { quoteTable } from '../../core/identifiers.ts';
import type { UndoneDdl } from './undone.ts';

/**
 * Views that one statement dropped come back in an order in which each finds those that it selects from; all else stays where it is.
 * @param undone newest first.
 */
export function viewsInOrder(undone: readonly UndoneDdl[]): UndoneDdl[] {
  const ordered: UndoneDdl[] = [];
  for (let at = 0; at < undone.length;) {
    const views = undone.slice(at).findIndex((ddl) => !isDroppedView(ddl) || ddl.operation.ordinal !== undone[at]!.operation.ordinal);
    const count = views < 0 ? undone.length - at : views;
    ordered.push(...(count === 0 ? [undone[at]!] : basesFirst(undone.slice(at, at + count))));
    at += Math.max(count, 1);
  }
  return ordered;
}

const isDroppedView = ({ steps }: UndoneDdl): boolean => steps.some(({ objects }) => objects.before.some(({ kind, there }) => kind === 'VIEW' && there)) && steps.every(({ objects }) => objects.after.every(({ there }) => !there));

function basesFirst(views: readonly UndoneDdl[]): UndoneDdl[] {
  const placed = new Set<UndoneDdl>();
  const place = (view: UndoneDdl): void => {
    if (placed.has(view)) return;
    placed.add(view);
    // SHOW CREATE VIEW, of which the text is, prints every name with its schema.
    const text = view.steps.flatMap(({ statements }) => statements).map(({ sql }) => sql).join('\n');
    for (const base of views) if (base !== view && text.includes(quoteTable(base.operation.schema, base.operation.table))) place(base);
    ordered.push(view);
  };
  const ordered: UndoneDdl[] = [];
  for (const view of views) place(view);
  return ordered;
}
