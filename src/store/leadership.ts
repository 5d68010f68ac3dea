import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { run, scalar } from '../core/mysql.ts';
import { openSessions, type ListedSession } from '../core/process-list.ts';
import type { Ledger } from './ledger.ts';

/** Seconds after which the backup server drops a silent leader's connection, and with it the lock. */
const LEASE_SECONDS = 9;

/** A connection as the backup server lists it. An id alone is somebody else's after a restart of the server: ids begin anew with it. */
type ListedConnection = Pick<ListedSession, 'id' | 'client'>;

/** Who leads, as the checkpoint row records it: enough for a successor to end its connections. */
export interface Leader {
  /** Id of the connection that holds the lock. */
  readonly lease: number;
  readonly connections: readonly ListedConnection[];
  readonly host: string;
  readonly pid: number;
  /** When it took over, UTC. */
  readonly since: string;
}

/** Reads the checkpoint row's `leader`; null when there is none. */
export function parseLeader(text: string | null): Leader | null {
  return text === null ? null : JSON.parse(text) as Leader;
}

/** Those of the connections that are open. */
async function listed(connection: Connection, ids: readonly number[]): Promise<ListedConnection[]> {
  return (await openSessions(connection, ids)).map(({ id, client }) => ({ id, client }));
}

/**
 * One daemon writes for a source. GET_LOCK on an own connection tells who is alive; the epoch in the checkpoint row makes
 * it safe: whoever leads raises it, and a write under an older epoch matches no row.
 */
export class Leadership {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #name: string;
  #keepAlive: NodeJS.Timeout | null = null;
  #onLost: ((error: unknown) => void) | null = null;

  /** @param connection owned by the leadership from here on. */
  constructor(connection: Connection, ledger: Ledger, sourceId: number) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
    // Lock names are global to the server and at most 64 characters long.
    const digest = createHash('sha256').update(ledger.name).digest('hex').slice(0, 16);
    this.#name = `binlog_undo:${digest}:${sourceId}`;
  }

  /** @returns false when another daemon holds the lock and did not let go within `waitSeconds`. */
  async acquire(waitSeconds: number): Promise<boolean> {
    await this.#connection.query(`SET SESSION wait_timeout = ${LEASE_SECONDS}`);
    const acquired = Number(await scalar(this.#connection, 'SELECT GET_LOCK(?, ?)', [this.#name, waitSeconds])) === 1;
    // From now on, not from `lead` on: finding the start on a slow source may take longer than the lease.
    if (acquired) this.#keepAlive = setInterval(() => this.#renew(), (LEASE_SECONDS * 1000) / 3);
    return acquired;
  }

  /**
   * Ends what the last leader left open, raises the epoch and keeps the lock's connection alive.
   * @param connections ids of the connections that will write. @param onLost the lock may be somebody else's now.
   * @returns the epoch that is ours.
   */
  async lead(connections: readonly number[], onLost: (error: unknown) => void): Promise<number> {
    const table = this.#ledger.table('checkpoints');
    await this.#endPredecessor();
    const leader: Leader = {
      lease: Number(await scalar<string>(this.#connection, 'SELECT CONNECTION_ID()')), connections: await listed(this.#connection, connections),
      host: hostname().slice(0, 255), pid: process.pid, since: new Date().toISOString(),
    };
    await run(this.#connection, `UPDATE ${table} SET epoch = epoch + 1, leader = ? WHERE source_id = ?`, [JSON.stringify(leader), this.#sourceId]);
    const epoch = await scalar<string>(this.#connection, `SELECT epoch FROM ${table} WHERE source_id = ?`, [this.#sourceId]);
    if (epoch === null) throw new UndoError('INTERNAL', 'The source has no checkpoint row.');
    await run(this.#connection, `UPDATE ${this.#ledger.table('cursors')} SET epoch = ? WHERE source_id = ? AND epoch < ?`, [epoch, this.#sourceId, epoch]);
    this.#onLost = onLost;
    return Number(epoch);
  }

  close(): void {
    if (this.#keepAlive) clearInterval(this.#keepAlive);
    this.#connection.destroy();
  }

  /** A connection that answers no more is lost as surely as one that was closed: by then the server may have given the lock away. */
  #renew(): void {
    // Before `lead` nobody relies on the lock, and `lead` itself meets a connection that is lost.
    const onLost = (error: unknown): void => this.#onLost?.(error);
    const late = setTimeout(() => {
      onLost(new UndoError('BACKUP_UNREACHABLE', `The backup server did not answer for ${LEASE_SECONDS} seconds.`));
    }, LEASE_SECONDS * 1000);
    this.#connection.ping().catch(onLost).finally(() => clearTimeout(late));
  }

  /** A leader that was paused, or whose host was, may hold an open backup transaction and its row locks. */
  async #endPredecessor(): Promise<void> {
    const leader = parseLeader(await scalar<string>(this.#connection,
      `SELECT leader FROM ${this.#ledger.table('checkpoints')} WHERE source_id = ?`, [this.#sourceId]));
    if (leader === null || leader.connections.length === 0) return;
    for (const { id, client } of await listed(this.#connection, leader.connections.map((one) => one.id))) {
      if (!leader.connections.some((one) => one.id === id && one.client === client)) continue;
      // Gone already, or of another account: then the epoch alone decides.
      await run(this.#connection, 'KILL ?', [id]).catch(() => undefined);
    }
  }
}
