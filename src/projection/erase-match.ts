import type { Connection } from 'mysql2/promise';
import { isFullImage, parseRowsEvent } from '../binlog/rows-event.ts';
import { parseTableMap } from '../binlog/table-map.ts';
import type { RowsKind } from '../binlog/types.ts';
import type { Position } from '../core/position.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import type { Charset } from '../rollback/charsets.ts';
import { buildShape, compileLocate, showValue, type Locate, type TableShape } from '../rollback/index.ts';
import { resolveDefinition } from '../rollback/resolve-definition.ts';
import type { RowsRecord } from '../store/block-format.ts';
import type { Ledger } from '../store/ledger.ts';
import { candidatesAt, readDefinitions, type DefinitionEntry } from '../store/log-reader.ts';

/** A value by which rows are told: as a rollback statement writes it, or the text alone. */
export interface KeyValue {
  readonly column: string;
  readonly value: string;
}

/** Where the rows of one rows event lie that are to go. */
export interface MatchedRows {
  readonly kind: RowsKind;
  /** Rows of the event, those that go included. */
  readonly total: number;
  /** Ascending. */
  readonly rows: readonly { readonly row: number; readonly start: number; readonly end: number }[];
  readonly rowsStart: number;
}

interface Reader {
  readonly locate: Locate;
  readonly shape: TableShape;
  readonly wanted: readonly {
    readonly index: number;
    /** What the value may be written as. */
    readonly shown: ReadonlySet<string>;
    /** Bytes of the column may stand for the value without being those of its text in UTF-8. */
    readonly byBytes: boolean;
  }[];
}

/** Tells the rows of one key in one table's rows events, by the columns of the rows' own time. */
export class RowMatcher {
  /** Why rows could not be read, each reason once: they may be of that key. */
  readonly unread = new Set<string>();
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #key: readonly KeyValue[];
  readonly #entries = new Map<string, DefinitionEntry[]>();
  readonly #readers = new Map<string, Reader | null>();
  readonly #sql = new SqlBuffer(1024);

  constructor(connection: Connection, ledger: Ledger, sourceId: number, key: readonly KeyValue[]) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
    this.#key = key;
  }

  /** @param file the binlog file that the rows lay in. @returns null when the rows cannot be read: `unread` says why. */
  async match(bytes: Buffer, record: RowsRecord, incarnationId: number, file: string): Promise<MatchedRows | null> {
    const rows = parseRowsEvent(record.type, bytes, record.start, record.end);
    // Nothing is left of it.
    if (rows.rowsStart === rows.rowsEnd) return { kind: rows.kind, total: 0, rows: [], rowsStart: rows.rowsStart };
    const reader = await this.#reader(record.tableMap, incarnationId, { file, offset: record.offset });
    if (!reader) return null;
    if (!isFullImage(rows) || rows.columnCount !== reader.shape.columns.length) return this.#cannot('row images lack columns');
    const afterSpans = 2 * reader.shape.columns.length;
    const spans = new Int32Array(2 * afterSpans);
    const found: { row: number; start: number; end: number }[] = [];
    let total = 0;
    for (let at = rows.rowsStart; at < rows.rowsEnd; total++) {
      const start = at;
      at = reader.locate(bytes, at, rows.rowsEnd, spans, 0);
      if (at <= start) return this.#cannot('rows do not parse');
      let meant = this.#isMeant(reader, bytes, spans, 0);
      if (rows.kind === 'update') {
        const middle = at;
        at = reader.locate(bytes, at, rows.rowsEnd, spans, afterSpans);
        if (at <= middle) return this.#cannot('rows do not parse');
        meant ||= this.#isMeant(reader, bytes, spans, afterSpans);
      }
      if (meant) found.push({ row: total, start, end: at });
    }
    return { kind: rows.kind, total, rows: found, rowsStart: rows.rowsStart };
  }

  #isMeant({ shape, wanted }: Reader, bytes: Buffer, spans: Int32Array, base: number): boolean {
    return wanted.every(({ index, shown, byBytes }) => {
      this.#sql.clear();
      showValue(shape.columns[index]!, this.#sql, bytes, spans[base + 2 * index]!, spans[base + 2 * index + 1]!);
      const text = this.#sql.toString().replace(/^_\w+ (?=X')/, '');
      if (byBytes && text.startsWith("X'")) this.#cannot(`give ${shape.columns[index]!.name} as X'..', with the bytes that it has in the column's character set`);
      return shown.has(text);
    });
  }

  #cannot(why: string): null {
    this.unread.add(why);
    return null;
  }

  async #reader(tableMap: Buffer, incarnationId: number, at: Position): Promise<Reader | null> {
    const map = parseTableMap(tableMap, 0, tableMap.length);
    const name = `${incarnationId}\0${map.schema}\0${map.table}`;
    let entries = this.#entries.get(name);
    if (!entries) this.#entries.set(name, (entries = await readDefinitions(this.#connection, this.#ledger, this.#sourceId, incarnationId, map.schema, map.table)));
    const verdict = resolveDefinition(map, candidatesAt(entries, at));
    if (verdict.kind !== 'known') return this.#cannot('their columns are not known');
    const { definition } = verdict;
    const cached = `${tableMap.toString('latin1', 6)}\0${JSON.stringify(definition)}`;
    let reader = this.#readers.get(cached);
    if (reader === undefined) {
      reader = this.#compile(buildShape(map, definition));
      this.#readers.set(cached, reader);
    }
    return reader;
  }

  #compile(shape: TableShape): Reader | null {
    const wanted = this.#key.map(({ column, value }) => {
      const index = shape.columns.findIndex((one) => one.name.toLowerCase() === column.toLowerCase());
      return { index, ...writtenAs(value, shape.columns[index]?.charset ?? null) };
    });
    const missing = this.#key.find((_, i) => wanted[i]!.index < 0);
    if (missing) return this.#cannot(`the table had no column "${missing.column}"`);
    return { shape, locate: compileLocate(shape.columns), wanted };
  }
}

const HEX = /^X'(?:[0-9a-f]{2})*'$/i;

/** A literal as rollback statements have it, the text alone, or bytes: text that is not plain they write as its bytes. */
function writtenAs(value: string, charset: Charset | null): Pick<Reader['wanted'][number], 'shown' | 'byBytes'> {
  if (HEX.test(value)) return { shown: new Set([value.toUpperCase()]), byBytes: false };
  const isAscii = Buffer.byteLength(value) === value.length;
  return {
    shown: new Set([value, `'${value.replaceAll("'", "''")}'`, `X'${Buffer.from(value).toString('hex').toUpperCase()}'`]),
    byBytes: charset !== null && !charset.utf8 && !(charset.ascii && isAscii),
  };
}
