import { randomUUID } from 'node:crypto';
import { TransactionAssembler } from '../../capture/assembler.ts';
import { CommitClock } from '../../capture/commit-clock.ts';
import { CaptureFilter, type FilterSettings } from '../../capture/filter.ts';
import { UndoError } from '../../core/errors.ts';
import { openConnection, rows, type ServerEndpoint } from '../../core/mysql.ts';
import { comparePositions, fileNumber, formatPosition, type Position } from '../../core/position.ts';
import { probeServer } from '../../core/server.ts';
import type { ScriptContext } from '../../script/index.ts';
import type { LogRange } from '../../script/range.ts';
import { replicaIdentity } from '../../source/replica-identity.ts';
import { BinlogStream } from '../../source/stream.ts';
import { undoSchemas } from '../../store/ledger.ts';
import { claimedDatabases, readCheckpoint } from '../../store/registry.ts';
import { KnownTransactions } from '../run/known-transactions.ts';
import { listBinlogs, MOST_OFFSET } from '../run/source-access.ts';
import { Comparison, type Compared, type Difference } from './comparison.ts';
import type { SampleReport } from './sample.ts';
import { EndOfRange, ReadingSink, type ReadTransaction } from './reading.ts';

export interface VerifyReport {
  readonly format: 1;
  readonly source: string;
  readonly from: string;
  readonly to: string;
  /** Null: the binlog was not read. */
  readonly compared: Compared | null;
  /** The first hundred. */
  readonly differences: readonly Difference[];
  /** What the newest operations left, held against the rows of the source; null when that was not asked for. */
  readonly sample: SampleReport | null;
}

/** How many differences there are, of whatever kind. */
export function differencesOf({ compared, sample }: VerifyReport): number {
  return (compared ? compared.missing + compared.extra + compared.different : 0) + (sample?.different ?? 0);
}

/** Transactions read ahead of the comparison, before the stream pauses. */
const READ_AHEAD = 500;

/**
 * Reads a range of the binlog once more, as the daemon does, and compares what it finds with the log.
 * @throws UndoError BINLOG_PURGED when the source does not have the range any more.
 */
export async function verifyRange(context: ScriptContext, source: ServerEndpoint, range: LogRange): Promise<Pick<VerifyReport, 'compared' | 'differences'>> {
  const { connection, ledger } = context;
  const control = await openConnection(source);
  try {
    const capabilities = await probeServer(control);
    const files = await listBinlogs(control);
    if (range.start.offset > MOST_OFFSET) throw new UndoError('POSITION_INVALID', `${formatPosition(range.start)}: a reading by position can start below 4 GiB only.`);
    if (!files.some(({ file }) => file === range.start.file)) {
      throw new UndoError('BINLOG_PURGED', `The source's oldest binlog file is ${files[0]?.file ?? 'none'}; ${formatPosition(range.start)} cannot be read again.`, {
        fix: 'Give a --start-position that the source still has.',
      });
    }
    const checkpoint = await readCheckpoint(connection, ledger, range.source.id);
    if (!checkpoint) throw new UndoError('NOT_COVERED', `The log of "${range.source.alias}" holds nothing yet.`);
    const { startGtids, life } = checkpoint.incarnation;
    const known = startGtids === null ? null : new KnownTransactions(capabilities.flavour, startGtids);
    const eras = await erasOf(context, range);
    const own = [...await undoSchemas(control), ...await claimedDatabases(connection, ledger)];
    const comparison = new Comparison(connection, ledger, range.source.id, range.from, range.to);
    const queue = new CompareQueue(comparison, (full) => (full ? stream.pause() : stream.resume()));
    const sink = new ReadingSink(range.stop, (transaction) => queue.push(transaction));
    const assemblerOf = (filter: FilterSettings): TransactionAssembler => new TransactionAssembler(
      new CaptureFilter(filter, own), sink, { seen: () => undefined, changed: () => undefined, lost: () => undefined, passed: () => undefined, inside: () => [] }, new CommitClock(() => 0, 0), life);
    let assembler = assemblerOf(eras.shift()?.filter ?? NOTHING_FILTERED);
    const stream: BinlogStream = new BinlogStream({
      endpoint: source, flavour: capabilities.flavour, identity: replicaIdentity(`verify ${randomUUID()}`, null), heartbeatSeconds: 5, toEnd: true,
      start: { filename: range.start.file, position: range.start.offset },
      onEvent: (event) => {
        if (event.kind === 'gtid') {
          const { file, start: offset } = event.header;
          // Another configuration of filters was in force from here on.
          while (eras[0] && comparePositions(eras[0].at, { file, offset }) <= 0) assembler = assemblerOf(eras.shift()!.filter);
        }
        const passed = known === null ? event : known.pass(event);
        if (passed) assembler.handle(passed);
      },
    });
    await Promise.race([queue.failed, stream.ended]).catch((error: unknown) => {
      if (!(error instanceof Error && error.cause instanceof EndOfRange)) throw error;
    }).finally(() => stream.close());
    await queue.drained();
    await comparison.end();
    return { compared: comparison.counts, differences: comparison.told };
  } finally {
    control.destroy();
  }
}

const NOTHING_FILTERED: FilterSettings = { includeDatabases: [], includeTables: [], excludeDatabases: [], excludeTables: [] };

/** The filters in force at the start and what followed them. */
async function erasOf({ connection, ledger }: ScriptContext, range: LogRange): Promise<{ at: Position; filter: FilterSettings }[]> {
  const found = await rows<{ file: string; file_offset: string; filter: string }>(connection,
    `SELECT file, file_offset, filter FROM ${ledger.table('eras')} WHERE source_id = ? AND incarnation_id = ? ORDER BY id`, [range.source.id, range.incarnationId]);
  const eras = found.map(({ file, file_offset: offset, filter }) => ({ at: { file, offset: Number(offset) }, filter: JSON.parse(filter) as FilterSettings }));
  const behind = (at: Position): boolean => at.file !== '' && fileNumber(at.file) > 0 && comparePositions(at, range.start) > 0;
  const first = eras.findIndex(({ at }) => behind(at));
  return eras.slice(Math.max(0, (first < 0 ? eras.length : first) - 1));
}

/** Compares in the background what the stream delivers, and tells it when to wait. */
class CompareQueue {
  /** Never resolves: rejects when the comparison fails. */
  readonly failed: Promise<never>;
  readonly #comparison: Comparison;
  readonly #onFull: (full: boolean) => void;
  readonly #waiting: ReadTransaction[] = [];
  #running: Promise<void> | null = null;
  #fail!: (error: unknown) => void;

  constructor(comparison: Comparison, onFull: (full: boolean) => void) {
    this.#comparison = comparison;
    this.#onFull = onFull;
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  push(transaction: ReadTransaction): void {
    this.#waiting.push(transaction);
    if (this.#waiting.length === READ_AHEAD) this.#onFull(true);
    this.#running ??= this.#run().catch((error: unknown) => this.#fail(error)).finally(() => {
      this.#running = null;
    });
  }

  async drained(): Promise<void> {
    await (this.#running ?? Promise.resolve());
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      await this.#comparison.with(next);
      if (this.#waiting.length === READ_AHEAD / 2) this.#onFull(false);
    }
  }
}
