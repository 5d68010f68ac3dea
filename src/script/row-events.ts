import { isFullImage } from '../binlog/rows-event.ts';
import { RowsFlag, type RowsEvent, type RowsKind } from '../binlog/types.ts';
import { UndoError } from '../core/errors.ts';
import { quoteTable } from '../core/identifiers.ts';
import type { SqlBuffer } from '../core/sql-buffer.ts';
import { compileFinder, compileLocate, type Locate, type RenderOptions, type TableShape, type UndoWriter, type WriteRow } from '../rollback/index.ts';
import type { TableDefinition } from '../schema/definition.ts';
import type { ScriptOptions } from './selection.ts';

/*
 * Rows put back as row events, which fire no triggers (measured on MySQL 9.7, MariaDB 11.8 and 10.11): BINLOG takes the
 * table's own TABLE_MAP and the captured image with the kind of change turned round. Such an event looks for its row by
 * the key alone and writes it whole, so that a SELECT before it looks for every byte and locks the row. BINLOG has no
 * ROW_COUNT: what counts is that it made no error.
 */

const HEADER = 19;
const FORMAT_DESCRIPTION = 15;
const TABLE_MAP = 19;
const SEQUENCE: readonly RowsKind[] = ['insert', 'update', 'delete'];
/** Lengths of the post-headers of event types 1 to 39, as each flavour writes them. */
const POST_HEADERS = {
  mysql: [0, 13, 0, 8, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 99, 0, 4, 26, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 10, 10, 10, 42, 42, 0, 18, 52, 0, 10],
  mariadb: [56, 13, 0, 8, 0, 18, 0, 4, 4, 4, 4, 18, 0, 0, 228, 0, 4, 26, 8, 0, 0, 0, 8, 8, 8, 2, 0, 0, 0, 10, 10, 10, 0, 0, 0, 0, 0, 0, 10],
} as const;
/** Any version of the flavour that knows checksums, which these events do without. */
const VERSIONS = { mysql: '8.0.0', mariadb: '10.5.0-MariaDB' } as const;
const INSERT_ROWS = { mysql: 30, mariadb: 23 } as const;
/** Version 2 of the rows events has extra data: its length, which counts itself. */
const EXTRA = { mysql: Buffer.from([2, 0]), mariadb: Buffer.alloc(0) } as const;
const INVERSE = { insert: 'delete', update: 'update', delete: 'insert' } as const;

/** Adds to @n what the event behind it did. An event sets the session's clock, and leaves it set. */
export const COUNT_EVENT = Buffer.from('SET @n=@n+IF(@@error_count=0,@c,0), @c=0, timestamp=DEFAULT;\n');

export function putBackAsEvents({ triggers }: TableDefinition, options: Pick<ScriptOptions, 'triggers'>): boolean {
  return options.triggers === 'skip' && triggers.length > 0;
}

/** Lets the session take row events; before any transaction. */
export function openingOfEvents(flavour: RenderOptions['flavour']): string[] {
  const lengths = POST_HEADERS[flavour];
  const body = Buffer.alloc(57 + lengths.length + 5);
  body.writeUInt16LE(4, 0);
  body.write(VERSIONS[flavour], 2, 'latin1');
  body[56] = HEADER;
  body.set(lengths, 57);
  const open = `BINLOG '${eventOf(FORMAT_DESCRIPTION, [body]).toString('base64')}';`;
  // Otherwise MySQL takes what follows for a transaction without a GTID.
  return flavour === 'mysql' ? [open, "SET SESSION gtid_next='AUTOMATIC';"] : [open];
}

function eventOf(type: number, parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(Math.floor(Date.now() / 1000), 0);
  header[4] = type;
  header.writeUInt32LE(1, 5);
  header.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, HEADER), 9);
  return Buffer.concat([header, ...parts]);
}

/** Where the images of a row lie; of an insert or delete they are the same. */
interface Place { readonly before: number; readonly after: number; readonly end: number }

/** Writes for each row change the SELECT that looks for the row, and the BINLOG statement that turns the change round. */
export class RowEventWriter implements Pick<UndoWriter, 'shape' | 'undo'> {
  readonly shape: TableShape;
  readonly #flavour: RenderOptions['flavour'];
  readonly #tableMap: Buffer;
  readonly #locate: Locate;
  readonly #find: WriteRow;
  readonly #spans: Int32Array;

  /** @param tableMap body of the TABLE_MAP that the rows were captured with, of a table that is still the same. */
  constructor(shape: TableShape, tableMap: Buffer, options: RenderOptions) {
    this.shape = shape;
    this.#flavour = options.flavour;
    this.#tableMap = eventOf(TABLE_MAP, [tableMap]);
    this.#locate = compileLocate(shape.columns);
    this.#find = compileFinder(shape, options);
    this.#spans = new Int32Array(2 * shape.columns.length);
  }

  /** As UndoWriter's; what it appends for one row are two statements, with a newline between them. */
  undo(rows: RowsEvent, out: SqlBuffer, onStatement: (start: number, end: number) => void, leftOut: ReadonlySet<number> | null = null): number {
    if (!isFullImage(rows)) {
      throw new UndoError('NOT_UNDOABLE', `Rows of ${quoteTable(this.shape.schema, this.shape.table)} cannot be put back as row events: their images lack columns.`, {
        fix: 'Leave out --triggers skip, and drop the triggers for the time of the undo.',
      });
    }
    const { buffer } = rows;
    const places = this.#places(rows);
    let statements = 0;
    for (const [row, { before, after, end }] of [...places.entries()].reverse()) {
      const [old, now] = [buffer.subarray(before, rows.kind === 'update' ? after : end), buffer.subarray(after, end)];
      if (leftOut?.has(row) === true || (rows.kind === 'update' && old.equals(now))) continue;
      const start = out.length;
      if (rows.kind === 'delete') out.text('SET @c=1;');
      else {
        this.#locate(buffer, after, rows.rowsEnd, this.#spans, 0);
        this.#find(out, buffer, this.#spans, 0);
      }
      const images = rows.kind === 'update' ? [now, old] : [now];
      out.text(`\nBINLOG '${Buffer.concat([this.#tableMap, this.#rowsEvent(rows, images)]).toString('base64')}';`);
      statements++;
      onStatement(start, out.length);
    }
    return statements;
  }

  #places(rows: RowsEvent): Place[] {
    const places: Place[] = [];
    const next = (at: number): number => {
      const end = this.#locate(rows.buffer, at, rows.rowsEnd, this.#spans, 0);
      if (end <= at) throw new UndoError('EVENT_CORRUPT', `Row ${places.length + 1} of a rows event of ${quoteTable(this.shape.schema, this.shape.table)} runs over the event's end.`);
      return end;
    };
    for (let at = rows.rowsStart; at < rows.rowsEnd;) {
      const after = rows.kind === 'update' ? next(at) : at;
      const end = next(after);
      places.push({ before: at, after, end });
      at = end;
    }
    return places;
  }

  #rowsEvent(rows: RowsEvent, images: readonly Buffer[]): Buffer {
    const head = Buffer.alloc(8);
    head.writeUIntLE(rows.tableId, 0, 6);
    head.writeUInt16LE(RowsFlag.STATEMENT_END | ((rows.flags & (RowsFlag.NO_FOREIGN_KEY_CHECKS | RowsFlag.SQL_FOREIGN_KEYS)) === 0 ? 0 : RowsFlag.NO_FOREIGN_KEY_CHECKS), 6);
    const bitmap = rows.buffer.subarray(rows.presentAt, rows.presentAt + ((rows.columnCount + 7) >> 3));
    const columns = Buffer.from(rows.columnCount < 251 ? [rows.columnCount] : [0xfc, rows.columnCount & 0xff, rows.columnCount >> 8]);
    const type = INSERT_ROWS[this.#flavour] + SEQUENCE.indexOf(INVERSE[rows.kind]);
    return eventOf(type, [head, EXTRA[this.#flavour], columns, bitmap, ...(rows.kind === 'update' ? [bitmap] : []), ...images]);
  }
}
