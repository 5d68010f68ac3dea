import type { BinlogEvent } from '../../binlog/events.ts';
import { GtidSet } from '../../binlog/gtid-set.ts';
import { MariadbGtidPosition } from '../../binlog/mariadb-gtid.ts';

/** What of the rows of a transaction must not be captured once more. */
const CONTENTS: ReadonlySet<BinlogEvent['kind']> = new Set(['tableMap', 'rows', 'statement', 'statementDml', 'incident', 'unreadable']);

/**
 * After a failover the new server's binlog holds transactions that the log has from the old one, also behind others that it
 * has not (a replica may commit in another order). They pass as empty ones: their bounds count, their contents do not.
 */
export class KnownTransactions {
  readonly #covers: (gtid: string) => boolean;
  #known = false;

  constructor(flavour: 'mysql' | 'mariadb', startGtids: string) {
    if (flavour === 'mysql') {
      const set = GtidSet.parse(startGtids);
      this.#covers = (gtid) => set.contains(gtid);
    } else {
      const position = MariadbGtidPosition.parse(startGtids);
      this.#covers = (gtid) => position.covers(gtid);
    }
  }

  /** @returns the event as capture is to see it, or null: not at all. */
  pass(event: BinlogEvent): BinlogEvent | null {
    if (event.kind === 'gtid') this.#known = event.gtid !== null && this.#covers(event.gtid);
    if (!this.#known) return event;
    if (CONTENTS.has(event.kind)) return null;
    if (event.kind !== 'query') return event;
    const { kind } = event.class;
    if (kind === 'xaCommit' || kind === 'xaRollback') return { ...event, class: { kind: 'commit' } };
    return kind === 'ddl' || kind === 'dml' ? { ...event, class: { kind: 'other', verb: '' } } : event;
  }
}
