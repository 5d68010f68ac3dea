import { randomUUID } from 'node:crypto';
import { TransactionAssembler, type DefinitionObserver } from '../../capture/assembler.ts';
import { CommitClock } from '../../capture/commit-clock.ts';
import { CaptureFilter, type FilterSettings } from '../../capture/filter.ts';
import type { CaptureSink, StreamPoint } from '../../capture/types.ts';
import { openConnection, scalar, type ServerEndpoint } from '../../core/mysql.ts';
import { comparePositions, type Position } from '../../core/position.ts';
import { probeServer } from '../../core/server.ts';
import { replicaIdentity } from '../../source/replica-identity.ts';
import { BinlogStream } from '../../source/stream.ts';
import { claimedDatabases, type StoredCheckpoint } from '../../store/registry.ts';
import { undoSchemas, type Ledger } from '../../store/ledger.ts';
import { asked, MOST_OFFSET } from './source-access.ts';
import type { Connection } from 'mysql2/promise';
import { KnownTransactions } from './known-transactions.ts';

export interface ReachQuestion {
  readonly source: ServerEndpoint;
  readonly store: Connection;
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly checkpoint: StoredCheckpoint;
  /** No need to look further than this. */
  readonly target: Position;
}

/** Ends the look-around; not an error. */
class Enough extends Error {}

/** Watches for the first thing that a daemon would have to capture. */
class ReachSink implements CaptureSink {
  reach: Position;
  readonly #target: Position;

  constructor(from: Position, target: Position) {
    this.reach = from;
    this.#target = target;
  }

  rows(): void {
    // Whether they count is known at the commit.
  }

  spill(): never {
    throw new Enough();
  }

  commit(): never {
    throw new Enough();
  }

  prepare(): never {
    throw new Enough();
  }

  commitPrepared(): never {
    // Whether it was prepared with anything to keep is the daemon's knowledge.
    throw new Enough();
  }

  rollbackPrepared(_xid: string, point: StreamPoint): void {
    this.passed(point);
  }

  abandon(): void {
    // `passed` follows.
  }

  passed(point: StreamPoint): void {
    this.reach = point.position;
    if (comparePositions(this.reach, this.#target) >= 0) throw new Enough();
  }

  rotated(point: StreamPoint): void {
    this.passed(point);
  }
}

const UNOBSERVED: DefinitionObserver = {
  seen: () => undefined,
  changed: () => undefined,
  lost: () => undefined,
  passed: () => undefined,
  inside: () => [],
};

/**
 * How far the log is complete beyond its checkpoint: up to the first transaction that a daemon would capture. Reads the
 * source from the checkpoint to its end, as a replica of a moment. With the backup on the source itself the checkpoint
 * rests while only our own writes follow, so that without this an idle system would never reach its own present.
 */
export async function proveReach(question: ReachQuestion): Promise<Position> {
  const { source, store, ledger, sourceId, checkpoint, target } = question;
  // Beyond these offsets no dump can start by position.
  if (checkpoint.position.offset > MOST_OFFSET) return checkpoint.position;
  const control = await openConnection(source);
  try {
    const capabilities = await asked(source, probeServer(control));
    const filter = await scalar<string>(store, `SELECT filter FROM ${ledger.table('eras')} WHERE source_id = ? ORDER BY id DESC LIMIT 1`, [sourceId]);
    const own = [...await asked(source, undoSchemas(control)), ...await claimedDatabases(store, ledger)];
    const sink = new ReachSink(checkpoint.position, target);
    const everything: FilterSettings = { includeDatabases: [], includeTables: [], excludeDatabases: [], excludeTables: [] };
    const settings = filter === null ? everything : JSON.parse(filter) as FilterSettings;
    const assembler = new TransactionAssembler(new CaptureFilter(settings, own), sink, UNOBSERVED, new CommitClock(() => 0, 0));
    const { startGtids } = checkpoint.incarnation;
    const known = startGtids === null ? null : new KnownTransactions(capabilities.flavour, startGtids);
    const stream = new BinlogStream({
      endpoint: source, flavour: capabilities.flavour, identity: replicaIdentity(`reach ${randomUUID()}`, null), heartbeatSeconds: 5, toEnd: true,
      start: { filename: checkpoint.position.file, position: checkpoint.position.offset },
      onEvent: (event) => {
        const passed = known === null ? event : known.pass(event);
        if (passed) assembler.handle(passed);
      },
    });
    await stream.ended.catch((error: unknown) => {
      if (!(error instanceof Error && error.cause instanceof Enough)) throw error;
    });
    return sink.reach;
  } finally {
    control.destroy();
  }
}
