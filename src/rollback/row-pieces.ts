import { declareChanges, deleteConditions, isSoft, updateConditions, type Context } from './row-context.ts';
import { eachNeed, insertValues } from './row-writers.ts';
import type { ColumnShape } from './shape.ts';
import { RowCode, type Condition, type WriteRow } from './writer-code.ts';

/** What one row gives to a statement over several rows, written under the session of a script. */
export interface RowPieces {
  /** `(id=1 AND ..)`: finds the row whose insert is undone. */
  readonly deleteTerm: WriteRow;
  /** `(1,'a')`; false: the row needs a statement of its own. */
  readonly insertTerm: WriteRow;
  /** `(id=1 AND ..)`: finds the row whose update is undone. */
  readonly updateTerm: WriteRow;
  /** For each column that an update may restore, by its index. */
  readonly updateCases: ReadonlyMap<number, UpdateCase>;
}

export interface UpdateCase {
  /** ` WHEN id=1 THEN ` */
  readonly when: WriteRow;
  /** `'a'` */
  readonly value: WriteRow;
}

/** @param restored the columns that updates of several rows may restore. */
export function compileRowPieces(context: Context, restored: readonly ColumnShape[]): RowPieces {
  const after = 2 * context.shape.columns.length;
  return {
    deleteTerm: compilePiece('deleteTerm', context, ['(', ')'], (code) => code.where(deleteConditions(context), 0)),
    insertTerm: compilePiece('insertTerm', context, ['(', ')'], (code) => {
      for (const column of context.base) code.need(column, 0, 'needOfValue');
      code.line('if (need !== 0) return false;');
      insertValues(context, code);
    }),
    updateTerm: compilePiece('updateTerm', context, ['(', ')'], (code) => {
      declareChanges(context, code);
      code.where(updateConditions(context), after);
    }),
    updateCases: new Map(restored.map((column): [number, UpdateCase] => [column.index, {
      when: compilePiece('when', context, [' WHEN ', ' THEN '], (code) => {
        code.where(context.shape.key.columns.map((index): Condition => ({ column: context.shape.columns[index]!, by: 'match', onlyIfChanged: false, onlyIfKnown: false })), after);
        if (isSoft(context, column)) code.line(`out.raw(AND); ${code.condition(column, 'exact', after)}`);
      }),
      value: compilePiece('value', context, ['', ''], (code) => code.line(code.value(column, 0))),
    }])),
  };
}

function compilePiece(name: string, { columns }: Context, [before, behind]: readonly [string, string], write: (code: RowCode) => void): WriteRow {
  const code = new RowCode({ heads: [], tails: eachNeed(() => behind), columns });
  code.line(code.raw('before', before));
  write(code);
  return code.compile(name);
}
