import type { Connection } from 'mysql2/promise';
import { openSessions } from '../../core/process-list.ts';
import type { Ledger } from '../../store/ledger.ts';

/** Threads remembered as seen; a thread that comes back after being forgotten is only looked up again. */
const REMEMBERED = 50_000;

/**
 * Notes user@host of a thread when it first appears in the binlog, as the source's process list shows it. Best effort: a
 * session that has gone by then stays unknown. Look-ups are batched, one in flight, and never hold capture back.
 */
export class ThreadObserver {
  readonly #control: Connection;
  readonly #store: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #seen = new Set<number>();
  #waiting = new Map<number, number>();
  #running: Promise<void> | null = null;

  constructor(control: Connection, store: Connection, ledger: Ledger, sourceId: number) {
    this.#control = control;
    this.#store = store;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
  }

  note(threadId: number, ordinal: number): void {
    if (threadId === 0 || this.#seen.has(threadId)) return;
    if (this.#seen.size >= REMEMBERED) this.#seen.clear();
    this.#seen.add(threadId);
    this.#waiting.set(threadId, ordinal);
    this.#running ??= this.#lookUp().catch(() => undefined).finally(() => {
      this.#running = null;
    });
  }

  /** Waits for the look-up under way. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #lookUp(): Promise<void> {
    while (this.#waiting.size > 0) {
      const wanted = this.#waiting;
      this.#waiting = new Map();
      const found = await openSessions(this.#control, [...wanted.keys()]);
      if (found.length === 0) continue;
      const values = found.map(({ id, user, client }) => [this.#sourceId, id, wanted.get(id) ?? 0, user, client.replace(/:\d+$/, '')]);
      await this.#store.query(`INSERT IGNORE INTO ${this.#ledger.table('threads')} (source_id, thread_id, since_ordinal, user, host) VALUES ?`, [values]);
    }
  }
}
