import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { AnchorTracker } from '../../binlog/anchor.ts';
import { GtidSet } from '../../binlog/gtid-set.ts';
import { MariadbGtidPosition } from '../../binlog/mariadb-gtid.ts';
import { TransactionAssembler } from '../../capture/assembler.ts';
import { Copies } from '../../capture/copies.ts';
import { CommitClock } from '../../capture/commit-clock.ts';
import type { CaptureFilter } from '../../capture/filter.ts';
import { connectionError, dropConnection, isConnectionLost, openConnection, scalar } from '../../core/mysql.ts';
import { formatPosition, type Position } from '../../core/position.ts';
import { probeServer, type ServerCapabilities } from '../../core/server.ts';
import { scratchPrefix } from '../../core/undo-tables.ts';
import { BackupTables } from '../../projection/backup-tables.ts';
import { Projector } from '../../projection/projector.ts';
import { RowWriters } from '../../projection/row-writers.ts';
import { definitionFits } from '../../rollback/build-shape.ts';
import { readSourceSession } from '../../schema/scratch-session.ts';
import { ScratchServer } from '../../schema/scratch.ts';
import { ObjectTracker } from '../../schema/objects/object-tracker.ts';
import type { TrackerOptions } from '../../schema/tracker-options.ts';
import { DefinitionTracker } from '../../schema/tracker.ts';
import { serverMarkSql } from '../../source/dump-session.ts';
import { replicaIdentity } from '../../source/replica-identity.ts';
import { refuseTakenServerId } from '../../source/server-id.ts';
import { BinlogStream, type StreamOptions } from '../../source/stream.ts';
import { createLedger, Ledger } from '../../store/ledger.ts';
import { Leadership } from '../../store/leadership.ts';
import { LogWriter, type ExecutedGtids } from '../../store/log-writer.ts';
import type { LogScope } from '../../store/log-sql.ts';
import { readPrepared } from '../../store/prepared-sql.ts';
import { registerSource, type SourceRecord, type StoredCheckpoint } from '../../store/registry.ts';
import { readGrants } from '../check/grants.ts';
import { BackupSession } from './backup-session.ts';
import { DefinitionSource } from './definition-source.ts';
import { FanoutLoop } from './fanout-loop.ts';
import { KnownTransactions } from './known-transactions.ts';
import { LostEnds } from './lost-ends.ts';
import { MeasuredSink } from './measured-sink.ts';
import { observed, seedObjects, visibleKinds } from './object-history.ts';
import { ProjectionLoop } from './projection-loop.ts';
import { keysOf } from './row-keys.ts';
import { SessionEnd } from './session-end.ts';
import { Pressure } from './pressure.ts';
import { prepare, refuseUnfit, type Prepared, type SessionContext } from './session-setup.ts';
import { asked, MOST_OFFSET } from './source-access.ts';
import { ThreadObserver } from './thread-observer.ts';

/** What others may ask of a running session. */
export interface SessionView {
  readonly sourceAlias: string;
  /** The log is complete up to here. */
  readonly reach: Position;
  /** Memory held by what was read and is not durable yet. */
  readonly queueBytes: number;
}

const HEARTBEAT_SECONDS = 5;
/** Between two log lines about reading all definitions. */
const PROGRESS_MS = 5000;
/** How long a session that has failed may still write what it has. */
const GRACE_MS = 3000;
/** How long one that is told to stop may do so: less than a supervisor waits before it kills (the chart: a minute). */
const STOP_MS = 20_000;
const IDLE_CHECKPOINT_MS = 1000;
/** How long the reading of a definition waits for a metadata lock. */
const LOCK_WAIT_SECONDS = 2;
/** Seconds between attempts of a standby to become leader, so that a stop is noticed. */
const STANDBY_WAIT_SECONDS = 1;

/**
 * One life of the daemon between two failures: leads, streams, stores and projects until told to stop.
 * @param onRunning called once the stream is open, with the session's view; with null when it is over.
 * @throws UndoError whatever ended it. Nothing is retried inside: the next session starts from the durable checkpoint.
 */
export async function runCaptureSession(context: SessionContext, onRunning: (view: SessionView | null) => void): Promise<void> {
  const { config, log, signal, metrics } = context;
  const control = await openConnection(config.source.endpoint);
  try {
    // A table that somebody holds locked must not hold up the questions about all others.
    await asked(config.source.endpoint, control.query(`SET SESSION lock_wait_timeout = ${LOCK_WAIT_SECONDS}`));
    const capabilities = await asked(config.source.endpoint, probeServer(control));
    refuseUnfit(capabilities);
    metrics.lag.knowSource(capabilities);
    await using backup = await BackupSession.open(config.backup.endpoint);
    const ledger = new Ledger(config.ledger);
    await createLedger(backup.side, ledger);
    const source = await registerSource(backup.side, ledger, {
      alias: config.source.alias, flavour: capabilities.flavour,
      label: config.source.aliasGiven ? config.source.alias : config.source.endpoint.host, labelPort: config.source.endpoint.port,
    });
    const leadership = new Leadership(backup.lease, ledger, source.id);
    const end = new SessionEnd();
    try {
      for (let waited = 0; !(await leadership.acquire(waited === 0 ? 0 : STANDBY_WAIT_SECONDS)); waited++) {
        if (waited === 0) metrics.standsBy();
        if (waited === 0) log.info({ event: 'standby', source: source.alias }, 'Another daemon captures this source; standing by');
        context.standingBy();
        if (signal.aborted) return;
      }
      const access = { endpoint: config.source.endpoint, control, capabilities, signal };
      const prepared = await prepare(context, access, backup, ledger, source, () => leadership.lead(backup.ids, end.fail));
      const session = new CaptureSession(context, control, capabilities, backup, ledger, source, prepared, end);
      await session.run(onRunning);
    } finally {
      leadership.close();
      onRunning(null);
    }
  } finally {
    control.destroy();
  }
}

function executedGtids(flavour: 'mysql' | 'mariadb', text: string | null): ExecutedGtids | null {
  if (text === null) return null;
  return flavour === 'mysql' ? GtidSet.parse(text) : MariadbGtidPosition.parse(text);
}

/** By position; beyond the offsets that the dump command can name by GTID, whose first group then lies there or behind. */
function dumpStart({ position, gtidSet }: StoredCheckpoint): Pick<StreamOptions, 'start' | 'notBefore'> {
  if (position.offset <= MOST_OFFSET) return { start: { filename: position.file, position: position.offset } };
  return { start: { gtidSet: gtidSet ?? '' }, notBefore: position };
}

class CaptureSession {
  readonly #context: SessionContext;
  readonly #control: Connection;
  readonly #capabilities: ServerCapabilities;
  readonly #backup: BackupSession;
  readonly #ledger: Ledger;
  readonly #source: SourceRecord;
  readonly #prepared: Prepared;
  readonly #end: SessionEnd;
  #stream: BinlogStream | null = null;

  constructor(
    context: SessionContext, control: Connection, capabilities: ServerCapabilities, backup: BackupSession, ledger: Ledger, source: SourceRecord,
    prepared: Prepared, end: SessionEnd,
  ) {
    this.#context = context;
    this.#control = control;
    this.#capabilities = capabilities;
    this.#backup = backup;
    this.#ledger = ledger;
    this.#source = source;
    this.#prepared = prepared;
    this.#end = end;
  }

  async run(onRunning: (view: SessionView | null) => void): Promise<void> {
    const { config, log, signal, metrics } = this.#context;
    const { epoch, checkpoint, definitions, objects: adopted, copies: filled, filter, sameServer } = this.#prepared;
    const { flavour } = this.#capabilities;
    const identity = replicaIdentity(this.#source.alias, config.source.serverId);
    const { endpoint } = config.source;
    await asked(endpoint, refuseTakenServerId(this.#control, this.#capabilities, identity));
    const mark = await asked(endpoint, scalar<string>(this.#control, serverMarkSql(flavour)));
    const scope: LogScope = { ledger: this.#ledger, sourceId: this.#source.id, incarnationId: checkpoint.incarnation.id, epoch };

    const observer = new ThreadObserver(this.#control, this.#backup.side, this.#ledger, this.#source.id);
    // The thread ids of a replica's binlog are those of its own source: this process list would name strangers.
    const observes = (serverId: number): boolean => serverId === this.#capabilities.serverId;
    const projection = config.projection.enabled ? this.#projection(epoch, filter, checkpoint) : null;
    const fanout = config.kafka === null ? null : new FanoutLoop({
      kafka: config.kafka, backup: config.backup.endpoint, ledger: this.#ledger, sourceId: this.#source.id, alias: this.#source.alias, epoch, log, metrics,
      onLost: this.#end.fail,
    }, checkpoint.nextOrdinal);
    const server = await asked(config.backup.endpoint, this.#scratchServer());
    const pressure = new Pressure((high) => {
      metrics.paused.set(high);
      if (high) this.#stream?.pause();
      else this.#stream?.resume();
    });
    const definitionSource = new DefinitionSource(this.#control, this.#capabilities);
    const tracker = this.#tracker(definitionSource, server, filter, { changed: () => writer.flushSoon(), onPressure: (high) => pressure.set('replay', high) });
    const grants = await asked(endpoint, readGrants(this.#control));
    const objects = new ObjectTracker({
      flavour, read: (name) => definitionSource.readObject(name), list: (schema) => definitionSource.listObjects(schema), capturesSchema: (schema) => filter.capturesSchema(schema),
      visible: (schema) => visibleKinds(grants, flavour, schema), changed: () => writer.flushSoon(), failed: (error) => this.#definitionUnread(error),
    }, checkpoint.position, adopted);
    const copies = new Copies({ skip: config.skipCopies, flavour, definitionOf: (schema, table) => tracker.newest(schema, table) }, filled);
    const anchors = new AnchorTracker(checkpoint.anchor);
    const waiting = await readPrepared(this.#backup.side, this.#ledger, this.#source.id);
    const lostEnds = await asked(endpoint, LostEnds.look(this.#control, this.#capabilities, { side: this.#backup.side, ledger: this.#ledger, sourceId: this.#source.id }, waiting));
    const giveUp = (durable: Position): void => {
      for (const { xid } of writer.giveUp(lostEnds?.at(durable) ?? [])) log.warn({ event: 'xa_end_lost', xid }, 'The end of a prepared XA transaction lies in a stretch that the log does not hold: its rows are dropped');
    };
    const writer = new LogWriter({
      connections: this.#backup.writers, scope, start: checkpoint, prepared: waiting, gtids: executedGtids(flavour, checkpoint.gtidSet), definitions: tracker, objects, copies, keysOf: keysOf(tracker), anchor: () => anchors.anchor,
      textLimit: config.statementTextLimit, idleCheckpointMs: sameServer ? null : IDLE_CHECKPOINT_MS,
      onCommit: ({ threadId, serverId }, ordinal) => {
        if (observes(serverId)) observer.note(threadId, ordinal);
      },
      onWritten: (seconds) => metrics.batchWritten(seconds),
      onDurable: (durable) => {
        metrics.durable(durable.commitMicros);
        giveUp(durable.position);
        projection?.notify(durable.nextOrdinal);
        fanout?.notify(durable.nextOrdinal, writer.queueBytes);
      },
      onPressure: (high) => pressure.set('store', high),
      onFailed: this.#end.fail,
    });
    // Once there is a writer: what this finds may have to be written.
    tracker.adopt(definitions);
    giveUp(checkpoint.position);
    const clock = new CommitClock(() => (Date.now() + this.#capabilities.clockOffset) * 1000, checkpoint.commitMicros);
    const assembler = new TransactionAssembler(filter, new MeasuredSink(writer, metrics), observed(tracker, objects), clock, checkpoint.incarnation.life, copies);
    const { startGtids } = checkpoint.incarnation;
    const known = startGtids === null ? null : new KnownTransactions(flavour, startGtids);
    const { position } = checkpoint;
    this.#stream = new BinlogStream({
      endpoint: config.source.endpoint, flavour, identity, heartbeatSeconds: HEARTBEAT_SECONDS, toEnd: false,
      ...dumpStart(checkpoint), server: mark ?? '',
      onEvent: (event) => {
        metrics.event(event.kind);
        anchors.note(event);
        const passed = known === null ? event : known.pass(event);
        if (passed) assembler.handle(passed);
      },
    });
    this.#stream.ended.catch(this.#end.fail);
    const { stop } = this.#end;
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    if (!this.#capabilities.rowsQuery) {
      const { rowsQuery } = this.#capabilities.variables;
      log.warn({ event: 'statements_not_logged', fix: `SET GLOBAL ${rowsQuery}=ON` }, 'The source does not log SQL text beside rows; operations show "not logged"');
    }
    log.info({ event: 'capturing', source: this.#source.alias, position: formatPosition(position), serverId: identity.serverId }, 'Reading the binlog');
    onRunning({ sourceAlias: this.#source.alias, get reach() { return writer.reach; }, get queueBytes() { return writer.queueBytes; } });
    if (pressure.high) this.#stream.pause();
    const over = new AbortController();
    const seeded = this.#seed(definitionSource, tracker, filter, over.signal, () => seedObjects(objects, this.#control, grants, filter, over.signal, log));
    await this.#end.over;
    over.abort();
    tracker.close();
    signal.removeEventListener('abort', stop);
    await this.#stream.close();
    fanout?.stop();
    const settled = (async (): Promise<void> => {
      await writer.close();
      await projection?.stop();
      await observer.settle();
      await seeded;
    })();
    // What has committed on the source may still be written, but nothing is waited for that may never answer.
    const given = this.#end.failure === null ? [this.#end.failed, sleep(STOP_MS, undefined, { ref: false })] : [sleep(GRACE_MS, undefined, { ref: false })];
    const inTime = await Promise.race([settled.then(() => true), ...given.map((end) => end.then(() => false))]);
    if (this.#end.failure !== null || !inTime) {
      this.#backup.drop();
      dropConnection(this.#control);
      await settled.catch(() => undefined);
    }
    if (this.#end.failure !== null) throw this.#end.failure;
    if (!inTime) {
      log.warn({ event: 'stop_cut_short', source: this.#source.alias }, 'A server did not answer in time: what was not written yet is read again at the next start');
      return;
    }
    log.info({ event: 'stopped', source: this.#source.alias, position: formatPosition(writer.reach) }, 'Stopped at a transaction boundary');
  }

  /** Where DDL of the source can be run again; null: nowhere, and it is read between two statements instead. */
  async #scratchServer(): Promise<ScratchServer | null> {
    const { log, config } = this.#context;
    const { flavour } = this.#capabilities;
    const theirs = await probeServer(this.#backup.side);
    const prefix = scratchPrefix(this.#ledger.name, this.#source.id);
    const server = theirs.flavour === flavour
      ? await ScratchServer.open({ connection: this.#backup.scratch, flavour, prefix, source: await asked(config.source.endpoint, readSourceSession(this.#control)) })
      : `the backup server is ${theirs.flavour}, the source ${flavour}`;
    if (typeof server !== 'string') return server;
    log.warn({ event: 'ddl_not_run_again', reason: server, schemas: `${prefix}*` },
      'DDL of the source cannot be run again on empty copies: rows between two quick DDLs may stay without a definition');
    return null;
  }

  #tracker(source: DefinitionSource, server: ScratchServer | null, filter: CaptureFilter, options: Pick<TrackerOptions, 'changed' | 'onPressure'>): DefinitionTracker {
    const { log } = this.#context;
    return new DefinitionTracker({
      ...options, server,
      read: (schema, table) => source.read(schema, table),
      captures: (schema, table) => filter.captures(schema, table),
      capturesSchema: (schema) => filter.capturesSchema(schema),
      fits: definitionFits,
      failed: (error) => this.#definitionUnread(error),
      broken: (error) => this.#end.fail(connectionError(this.#context.config.backup.endpoint, error)),
      refused: ({ schema, table }, at, reason) => log.warn({ event: 'ddl_not_replayed', schema, table, position: formatPosition(at), reason },
        'What this DDL made is not known by running it again; the source is asked'),
      differs: ({ schema, table }) => log.warn({ event: 'definition_differs', schema, table },
        'The source has a table otherwise than its DDL gave when run again; its own definition counts'),
    });
  }

  /** Reads all definitions beside the stream, so that they are known when DDL comes. @param behind what is read after that of tables. */
  async #seed(source: DefinitionSource, tracker: DefinitionTracker, filter: CaptureFilter, over: AbortSignal, behind: () => Promise<void>): Promise<void> {
    const { log } = this.#context;
    let told = Date.now();
    try {
      let read = 0;
      await source.seed(tracker, filter, over, (done, all) => {
        read = done;
        if (Date.now() - told < PROGRESS_MS && done < all) return;
        told = Date.now();
        log.info({ event: 'definitions_reading', done, all }, 'Reading the definitions of all captured tables');
      });
      if (over.aborted) return;
      log.info({ event: 'definitions_read', tables: read }, 'The definitions of all captured tables are read');
      await behind();
    } catch (error) {
      if (!over.aborted) this.#definitionUnread(error);
    }
  }

  #definitionUnread(error: unknown): void {
    // An idle connection that the source closed cannot be asked again; the next session opens a new one.
    if (isConnectionLost(error)) this.#end.fail(connectionError(this.#context.config.source.endpoint, error));
    else this.#context.log.warn({ event: 'definition_unread', error }, 'A table definition could not be read; it is read again');
  }

  #projection(epoch: number, filter: CaptureFilter, checkpoint: StoredCheckpoint): ProjectionLoop {
    const { config, signal } = this.#context;
    const { flavour } = this.#capabilities;
    const { projection, side } = this.#backup;
    const tables = new BackupTables(side, this.#ledger, this.#source, (database) => filter.exclude(database));
    const writers = new RowWriters(side, this.#ledger, this.#source.id, {
      flavour, form: 'backup', update: config.updateForm, guard: 'none', exactFromUnixtime: this.#capabilities.exactFromUnixtime,
    });
    const projector = new Projector({
      connections: projection, side, ledger: this.#ledger, source: this.#source, epoch, tables, writers,
      host: config.source.endpoint.host, textLimit: config.statementTextLimit, pack: config.projection.pack, ddl: config.projection.ddl,
    });
    return new ProjectionLoop(projector, checkpoint.nextOrdinal, signal, this.#end.fail);
  }
}
