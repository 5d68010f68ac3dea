import { UndoError } from '../core/errors.ts';

/**
 * MariaDB's GTID event body (log_event.h, Gtid_log_event): sequence u64, domain u32, flags2 u8, then, each only where its flag
 * says so: commit id u64 (GROUP_COMMIT_ID); XID as format u32, two lengths u8 and the bytes (PREPARED_XA, COMPLETED_XA);
 * flags_extra u8 and what its bits bring, in the order of `MariadbGtidExtra`.
 */
export const MariadbGtidFlag = {
  STANDALONE: 0x01, GROUP_COMMIT_ID: 0x02, TRANSACTIONAL: 0x04, ALLOW_PARALLEL: 0x08, WAITED: 0x10, DDL: 0x20, PREPARED_XA: 0x40, COMPLETED_XA: 0x80,
} as const;

/**
 * Bits of flags_extra. Under binlog_alter_two_phase (MariaDB >= 10.8) one ALTER TABLE, CREATE INDEX or DROP INDEX stands in the
 * binlog twice, in two groups with the same text: at its start, and when it is done or has failed (then with its error
 * number in the Query event). Only COMMIT_ALTER changes the table. Between the two, other transactions may stand.
 *
 * Measured on 11.8.6, flags2 | flags_extra | payload | thread id, and the Query event's status variable 130 (0x82):
 *   plain     29 | 10 |                  | 06000000   (none)
 *   START     29 | 12 |                  | 06000000   82 02
 *   COMMIT    29 | 14 | 0300000000000000 | 06000000   82 04 0300000000000000
 *   ROLLBACK  29 | 18 | 2700000000000000 | 09000000   82 08 2700000000000000   error_code 1062
 * The payload is the sequence number (u64) of the START's GTID in the same domain. With several XA engines, flags_extra is
 * followed by one byte for MULTI_ENGINE before all else: 11 ff 07000000.
 */
export const MariadbGtidExtra = { MULTI_ENGINE: 0x01, START_ALTER: 0x02, COMMIT_ALTER: 0x04, ROLLBACK_ALTER: 0x08, THREAD_ID: 0x10 } as const;

interface Gtid {
  readonly domain: number;
  readonly server: number;
  readonly sequence: bigint;
}

const U32 = 2 ** 32;

function parseGtid(text: string): Gtid {
  const match = /^\s*(\d{1,10})-(\d{1,10})-(\d{1,20})\s*$/.exec(text);
  const gtid = match && { domain: Number(match[1]), server: Number(match[2]), sequence: BigInt(match[3]!) };
  if (!gtid || gtid.domain >= U32 || gtid.server >= U32 || gtid.sequence >= 2n ** 64n) {
    throw new UndoError('POSITION_INVALID', `"${text.slice(0, 200)}" is not a MariaDB GTID.`, {
      fix: 'Give a position as the server prints it, for example 0-1-100 (SELECT @@global.gtid_binlog_pos).',
    });
  }
  return gtid;
}

/**
 * A MariaDB GTID position, mutable: the last transaction of each replication domain, whichever server made it.
 * Errors: POSITION_INVALID for text that is none.
 */
export class MariadbGtidPosition {
  readonly #domains = new Map<number, Gtid>();

  /** Reads `0-1-100,5-2-7`; empty text is the position before everything. */
  static parse(text: string): MariadbGtidPosition {
    const position = new MariadbGtidPosition();
    for (const part of text.trim() === '' ? [] : text.split(',')) {
      const gtid = parseGtid(part);
      if (position.#domains.has(gtid.domain)) {
        throw new UndoError('POSITION_INVALID', `"${text.slice(0, 200)}" names domain ${gtid.domain} twice.`, { fix: 'Give one GTID per domain.' });
      }
      position.#domains.set(gtid.domain, gtid);
    }
    return position;
  }

  /** Moves the GTID's domain on to it: the stream's order decides, since without gtid_strict_mode numbers may go back. */
  add(gtid: string): void {
    const parsed = parseGtid(gtid);
    this.#domains.set(parsed.domain, parsed);
  }

  /**
   * Does the position lie at or behind this GTID? By number within the domain, as the server itself compares: right as long
   * as numbers ascend in a domain (gtid_strict_mode).
   */
  covers(gtid: string): boolean {
    const { domain, sequence } = parseGtid(gtid);
    const own = this.#domains.get(domain);
    return own !== undefined && own.sequence >= sequence;
  }

  /** Does it cover every GTID of the other position? */
  coversAll(other: MariadbGtidPosition): boolean {
    return [...other.#domains.values()].every(({ domain, sequence }) => {
      const own = this.#domains.get(domain);
      return own !== undefined && own.sequence >= sequence;
    });
  }

  /** A new position of those GTIDs that the other does not cover. */
  beyond(other: MariadbGtidPosition): MariadbGtidPosition {
    return this.#filtered((gtid) => (other.#domains.get(gtid.domain)?.sequence ?? -1n) >= gtid.sequence ? null : gtid);
  }

  /** A new position with the further GTID of each domain. */
  furthest(other: MariadbGtidPosition): MariadbGtidPosition {
    const result = other.beyond(this);
    for (const gtid of this.#domains.values()) if (!result.#domains.has(gtid.domain)) result.#domains.set(gtid.domain, gtid);
    return result;
  }

  /** A new position, no further than a server's binlog state (a GTID for each domain and server) shows of the same domain and server. */
  limitedTo(state: readonly string[]): MariadbGtidPosition {
    const shown = state.map(parseGtid);
    return this.#filtered((gtid) => {
      const found = shown.find(({ domain, server }) => domain === gtid.domain && server === gtid.server);
      return !found ? null : found.sequence < gtid.sequence ? found : gtid;
    });
  }

  #filtered(choose: (gtid: Gtid) => Gtid | null): MariadbGtidPosition {
    const result = new MariadbGtidPosition();
    for (const gtid of this.#domains.values()) {
      const chosen = choose(gtid);
      if (chosen) result.#domains.set(chosen.domain, chosen);
    }
    return result;
  }

  isEmpty(): boolean {
    return this.#domains.size === 0;
  }

  /** Sorted by domain. */
  toString(): string {
    return [...this.#domains.values()]
      .sort((a, b) => a.domain - b.domain)
      .map(({ domain, server, sequence }) => `${domain}-${server}-${sequence}`)
      .join(',');
  }
}
