import { counted } from '../counted.ts';
import type { ConflictMode } from '../parameters.ts';
import type { Conflict } from './types.ts';

interface Session {
  /** Null: the server does not tell. */
  readonly threadId: number | null;
}

interface Suggested {
  readonly columns: 'restored' | 'other';
  readonly suggested: ConflictMode;
}

/** Conflicts of a plan, counted. */
interface Counted {
  readonly mode: ConflictMode;
  readonly rows: number;
  readonly restored: number;
  readonly suggested: ConflictMode | null;
}

/**
 * The mode that fits one conflict. Other columns of the row: the guard on changed columns lets the undo pass and leaves the later
 * change alone. The same columns: of the session that did the accident the later change is most likely a part of it; what somebody else
 * did since is not undone for their sake.
 * @param mode that the conflict is left over from.
 */
export function suggestedFor({ restored, selected, later }: Conflict, undone: Session, by: Session, mode: ConflictMode): ConflictMode {
  if (!restored) return 'nocascade-force';
  if (mode === 'cascade') return 'nonconflict-only';
  return selected.ordinal === later.ordinal || (by.threadId !== null && by.threadId === undone.threadId) ? 'cascade' : 'nonconflict-only';
}

/** The mode that fits all conflicts of a plan. */
export function suggestedForAll(restored: number, listed: readonly Suggested[]): ConflictMode | null {
  if (listed.length === 0) return null;
  if (restored === 0) return 'nocascade-force';
  return listed.every(({ columns, suggested }) => columns === 'other' || suggested === 'cascade') ? 'cascade' : 'nonconflict-only';
}

/** What an operator can do about conflicts, the suggested mode first. */
export function suggestion({ mode, rows, restored, suggested }: Counted): string {
  switch (suggested) {
    case 'nocascade-force':
      return 'The later changes touched other columns than the undo restores. Suggested: --mode nocascade-force, whose guard (--guard changed) checks the restored columns when the script runs and leaves the others as they are.';
    case 'cascade':
      return `${part(rows, restored)} Suggested: --mode cascade undoes the later changes as well, which the same session made; --mode nonconflict-only leaves the rows in conflict as they are.`;
    case 'nonconflict-only': {
      const others = mode === 'cascade' ? '' : '; --mode cascade undoes the later changes as well';
      return `${part(rows, restored)} Suggested: --mode nonconflict-only leaves the rows in conflict as they are and undoes the rest${others}.`;
    }
    case 'nocascade':
    case null:
      return '';
  }
}

function part(rows: number, restored: number): string {
  const what = 'Later changes touched what the undo restores or needs';
  return restored === rows ? `${what}.` : `${what} of ${restored} of ${counted(rows, 'row change')}, of the others other columns only.`;
}
