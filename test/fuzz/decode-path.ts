import { BinlogDecoder } from '../../src/binlog/decoder.ts';
import type { BinlogEvent, RowsBinlogEvent } from '../../src/binlog/events.ts';
import { parseTableMap } from '../../src/binlog/table-map.ts';
import { TransactionAssembler, type DefinitionObserver } from '../../src/capture/assembler.ts';
import { CommitClock } from '../../src/capture/commit-clock.ts';
import { CaptureFilter } from '../../src/capture/filter.ts';
import type { CaptureSink, CapturedTransaction } from '../../src/capture/types.ts';
import { UndoError } from '../../src/core/errors.ts';
import { SqlBuffer } from '../../src/core/sql-buffer.ts';
import { buildShape, compileWriter, type UndoWriter } from '../../src/rollback/index.ts';
import { innerEvents } from '../../src/source/payload-reader.ts';
import type { Corpus } from './corpus.ts';

/** What became of the events of one transaction. */
export interface Outcome {
  /** Bytes of SQL that were rendered. */
  sql: number;
  gaps: number;
  error: Error | null;
}

const IGNORING: DefinitionObserver = { seen: () => undefined, changed: () => undefined, lost: () => undefined, passed: () => undefined, inside: () => [] };

/** From the bytes of the stream to SQL, as the daemon does it, with nothing behind it. */
export class DecodePath {
  readonly #flavour: 'mysql' | 'mariadb';
  readonly #corpus: Corpus;
  readonly #writers = new Map<string, UndoWriter | null>();
  readonly #out = new SqlBuffer(1 << 16);
  #outcome: Outcome = { sql: 0, gaps: 0, error: null };

  constructor(flavour: 'mysql' | 'mariadb', corpus: Corpus) {
    this.#flavour = flavour;
    this.#corpus = corpus;
  }

  async run(events: readonly Buffer[]): Promise<Outcome> {
    const outcome: Outcome = { sql: 0, gaps: 0, error: null };
    this.#outcome = outcome;
    const decoder = new BinlogDecoder(this.#flavour, 'binlog.000001', 4);
    const filter = new CaptureFilter({ includeDatabases: [], includeTables: [], excludeDatabases: [], excludeTables: [] }, []);
    const assembler = new TransactionAssembler(filter, this.#sink(), IGNORING, new CommitClock(() => Date.now() * 1000, 0));
    try {
      decoder.decode(this.#corpus.format, 0, this.#corpus.format.length);
      for (const bytes of events) {
        const event: BinlogEvent = decoder.decode(bytes, 0, bytes.length);
        if (event.kind !== 'payload') assembler.handle(event);
        else for await (const inner of innerEvents(event)) assembler.handle(decoder.decodeInner(event.header, inner, 0, inner.length));
      }
    } catch (error) {
      outcome.error = error instanceof Error ? error : new Error(String(error));
    }
    return outcome;
  }

  #sink(): CaptureSink {
    const ended = (transaction: CapturedTransaction): void => {
      this.#outcome.gaps += transaction.gaps.length;
    };
    return {
      rows: (_, tableMap, event) => { this.#rows(tableMap, event); }, spill: () => undefined, commit: ended, prepare: (_, transaction) => { ended(transaction); },
      commitPrepared: () => true, rollbackPrepared: () => undefined, abandon: () => undefined, passed: () => undefined, rotated: () => undefined,
    };
  }

  #rows(tableMap: Buffer, { rows }: RowsBinlogEvent): void {
    const writer = this.#writer(tableMap);
    if (!writer || writer.refuses(rows) !== null) return;
    const out = this.#out;
    out.clear();
    writer.undo(rows, out, (start, end) => {
      this.#outcome.sql += end - start;
      out.clear();
    });
  }

  #writer(tableMap: Buffer): UndoWriter | null {
    const key = tableMap.toString('latin1', 6);
    let writer = this.#writers.get(key);
    if (writer === undefined) {
      const map = parseTableMap(tableMap, 0, tableMap.length);
      const definition = this.#corpus.definitions.get(`${map.schema}\0${map.table}`);
      try {
        writer = definition ? compileWriter(buildShape(map, definition), { flavour: this.#flavour, form: 'backup', update: 'changed', guard: 'changed' }) : null;
      } catch (error) {
        // A refusal is what the projection would record; anything else is a finding.
        if (!(error instanceof UndoError) || error.code === 'INTERNAL') throw error;
        writer = null;
      }
      if (this.#writers.size > 2000) this.#writers.clear();
      this.#writers.set(key, writer);
    }
    return writer;
  }
}
