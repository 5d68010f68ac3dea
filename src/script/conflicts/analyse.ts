import { openConnection } from '../../core/mysql.ts';
import { UndoError } from '../../core/errors.ts';
import type { ScriptContext } from '../context.ts';
import type { TableHistory } from '../definitions.ts';
import type { ForeignKey } from '../foreign-keys.ts';
import type { LogRange } from '../range.ts';
import { decide, type Decision } from './decide.ts';
import { ExactValues } from './exact.ts';
import { ConflictSearch, type SearchScope } from './search.ts';
import { ConflictTables } from './tables.ts';
import type { Place } from './types.ts';

export interface Analysis extends Decision {
  /** What could not be compared. */
  readonly warnings: readonly string[];
}

/**
 * What in the log, to its end, stands in the way of an undo.
 * @param full the undo of an update writes every column, not only those that changed.
 */
export async function analyse(
  context: ScriptContext, range: LogRange, scope: Omit<SearchScope, 'sourceId'>, histories: Iterable<TableHistory>, foreignKeys: readonly ForeignKey[], full: boolean,
): Promise<Analysis> {
  const tables = await ConflictTables.open(context, range, histories, foreignKeys, full);
  const { later, selected } = await new ConflictSearch(context, { ...scope, sourceId: range.source.id }, tables).run();
  const live = range.live && later.length > 0 ? await openConnection(range.live.endpoint).catch((error: unknown) => {
    if (error instanceof UndoError) return null;
    throw error;
  }) : null;
  try {
    const exact = await ExactValues.of([...later, ...selected], [...(live ? [live] : []), context.connection]);
    return {
      ...decide(later, selected, exact),
      warnings: [
        ...[...tables.left].map((key) => `Later rows that took a value of unique key ${key.replace(/^([^:]+): (\S+) (.*)$/, '$2 of $1, which $3,')} are not looked for: the script fails as a whole if there are any.`),
        ...[...tables.unread].map((name) => `Some changes of ${name} cannot be compared with the rows to be undone: their images lack columns, or the key was another one then.`),
      ],
    };
  } finally {
    live?.destroy();
  }
}

/** Row changes that a script leaves out. */
export class LeftOut {
  readonly #events = new Map<string, Set<number>>();
  readonly count: number;

  constructor(places: readonly Place[]) {
    this.count = places.length;
    for (const { ordinal, block, start, row } of places) {
      const event = `${ordinal} ${block} ${start}`;
      const known = this.#events.get(event);
      if (known) known.add(row);
      else this.#events.set(event, new Set([row]));
    }
  }

  /** Rows of one rows event, by their number in it; null: all stay in the script. */
  rowsOf(ordinal: number, block: number, start: number): ReadonlySet<number> | null {
    return this.#events.get(`${ordinal} ${block} ${start}`) ?? null;
  }
}
