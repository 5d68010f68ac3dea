/** What a finished script turned out to hold. */
export interface ScriptSummary {
  readonly statements: number;
  /** Row changes that they undo. */
  readonly rows: number;
  /** Bytes of the largest statement. */
  readonly largestStatement: number;
}

export const NOTHING_WRITTEN: ScriptSummary = { statements: 0, rows: 0, largestStatement: 0 };
