import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { UndoError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { formatPosition } from '../../core/position.ts';
import { withRetentionConnections } from '../../projection/retention-connections.ts';
import { applyRetention } from '../../projection/retention.ts';
import { Ledger } from '../../store/ledger.ts';
import { requireSource } from '../../store/registry.ts';
import { purgeHistory } from '../../store/retention-history.ts';

/** A restarted daemon first catches up. */
const FIRST_AFTER_SECONDS = 300;
/** While capture is behind, half of the time is others'; else only a little. */
const REST = { behind: 0.5, else: 0.1 } as const;
const BEHIND_BYTES = 512 * 1024;
/** A step is short. */
const STOP_MS = 5000;
const DAY_MS = 86_400_000;

/** Applies the retention settings again and again while this daemon leads. A failure is logged and tried again next time. */
export class RetentionLoop {
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  /** @param waiting bytes that capture has still to write. */
  constructor(config: Config<'backup'>, alias: string, log: Logger, waiting: () => number) {
    const { intervalSeconds } = config.retention;
    this.#done = intervalSeconds === null ? Promise.resolve() : this.#run(config, alias, log, intervalSeconds, waiting);
  }

  /** Waits for the step under way, but not for a server that does not answer. */
  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.race([this.#done, sleep(STOP_MS, undefined, { ref: false })]);
  }

  async #run(config: Config<'backup'>, alias: string, log: Logger, interval: number, waiting: () => number): Promise<void> {
    for (let wait = Math.min(interval, FIRST_AFTER_SECONDS); await this.#pause(wait); wait = interval) {
      try {
        await this.#once(config, alias, log, waiting);
      } catch (error) {
        // Somebody else purges right now: that is as good.
        if (!(error instanceof UndoError && error.code === 'PURGE_RUNNING')) log.warn({ event: 'retention_failed', error }, 'Old history could not be removed; tried again next time');
      }
    }
  }

  /** @returns false when the loop is over. */
  #pause(seconds: number): Promise<boolean> {
    return sleep(seconds * 1000, true, { signal: this.#over.signal }).catch(() => false);
  }

  async #once(config: Config<'backup'>, alias: string, log: Logger, waiting: () => number): Promise<void> {
    await withRetentionConnections(config.backup.endpoint, async (connection, second) => {
      const ledger = new Ledger(config.ledger);
      const { id: sourceId } = await requireSource(connection, ledger, alias);
      const rest = (): number => (waiting() >= BEHIND_BYTES ? REST.behind : REST.else);
      const { heldBack, point, transactions, operations, rows, blocks, bytesFreed } = await applyRetention(
        { connection, second, ledger, sourceId, signal: this.#over.signal, now: Date.now(), rest }, config.retention);
      if (heldBack) log.warn({ event: 'retention_held_back', ...heldBack }, 'Old history stays until this consumer has delivered it');
      if (operations + blocks > 0) {
        log.info({ event: 'purged', transactions, operations, rows, blocks, bytesFreed, before: point && formatPosition(point.position) }, 'Removed old history');
      }
      const { historyDays, historyEntries } = config.retention;
      const scripts = await purgeHistory(connection, ledger, { beforeMicros: historyDays === null ? null : (Date.now() - historyDays * DAY_MS) * 1000, entries: historyEntries }, false, this.#over.signal);
      if (scripts > 0) log.info({ event: 'history_purged', scripts }, 'Removed old plans and scripts from the history');
    });
  }
}
