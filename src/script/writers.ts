import { parseTableMap } from '../binlog/table-map.ts';
import { UndoError } from '../core/errors.ts';
import { buildShape, type TableShape } from '../rollback/index.ts';
import { resolveDefinition } from '../rollback/resolve-definition.ts';
import { candidatesAt, type LoggedRows, type StoredTransaction } from '../store/log-reader.ts';
import { nameOf, placeToday, type TableHistory } from './definitions.ts';

/** @param then the shape as of the rows' own time, whose definition goes with its columns. */
type MakeWriter<Writer> = (shape: TableShape, then: () => TableShape, tableMap: Buffer) => Writer;

/**
 * Finds the writer for logged rows, of whichever kind. The columns are those of the rows' own time; keys, generated columns and triggers are
 * those of now, since the statements will run now.
 */
export class ScriptWriters<Writer> {
  readonly #make: MakeWriter<Writer>;
  readonly #histories: (schema: string, table: string, ordinal: number) => TableHistory | undefined;
  readonly #writers = new Map<string, Writer>();
  /** The last answer, by the very bytes of the TABLE_MAP: neighbours share them. */
  #last: { readonly tableMap: Buffer; readonly writer: Writer } | null = null;

  constructor(make: MakeWriter<Writer>, histories: (schema: string, table: string, ordinal: number) => TableHistory | undefined) {
    this.#make = make;
    this.#histories = histories;
  }

  /** @throws UndoError DEFINITION_UNKNOWN, DEFINITION_CHANGED, NOT_UNDOABLE */
  find(transaction: StoredTransaction, logged: LoggedRows): Writer {
    const { tableMap } = logged.record;
    if (this.#last?.tableMap === tableMap) return this.#last.writer;
    // DDL gives a table another id, which a server never uses twice; a server that starts anew begins another file.
    const key = `${transaction.rowsFile}\0${tableMap.toString('latin1')}`;
    let writer = this.#writers.get(key);
    if (!writer) {
      writer = this.#compile(transaction, logged);
      if (this.#writers.size >= 2000) this.#writers.clear();
      this.#writers.set(key, writer);
    }
    this.#last = { tableMap, writer };
    return writer;
  }

  #compile(transaction: StoredTransaction, { record }: LoggedRows): Writer {
    const map = parseTableMap(record.tableMap, 0, record.tableMap.length);
    const history = this.#histories(map.schema, map.table, transaction.ordinal);
    if (!history) throw new UndoError('INTERNAL', `The plan holds no table ${map.schema}.${map.table}.`);
    const { present, entries, renamings, kinds } = history;
    if (!present) throw new UndoError('DEFINITION_CHANGED', `${nameOf(history)} is not there now.`);
    // The position of the rows themselves: the transaction begins before the definition came into force with its first rows.
    const at = { file: transaction.rowsFile, offset: record.offset };
    const verdict = resolveDefinition(map, [...candidatesAt(entries, at), { definition: present, proven: false, inForce: false }]);
    if (verdict.kind !== 'known') {
      const why = verdict.kind === 'unknown' ? verdict.why : 'the daemon has not read them yet';
      throw new UndoError('DEFINITION_UNKNOWN', `The columns of ${nameOf(history)} at ${at.file}:${at.offset} are not known: ${why}.`);
    }
    const place = placeToday(verdict.definition, present, renamings.filter(({ ordinal }) => ordinal > transaction.ordinal), kinds);
    if (place.refused !== null) throw new UndoError('DEFINITION_CHANGED', `${nameOf(history)}: ${place.refused}.`);
    return this.#make(buildShape(map, verdict.definition, place.today), () => buildShape(map, verdict.definition), record.tableMap);
  }
}
