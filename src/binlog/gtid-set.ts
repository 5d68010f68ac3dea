import { UndoError } from '../core/errors.ts';

/** Inclusive, apart by at least one number, ascending. bigint: numbers run to 2^63 - 2. */
type Interval = [first: bigint, last: bigint];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d{1,19})(?:-(\d{1,19}))?$/;
/** The highest number that the server takes (GNO_END - 1 in sql/rpl_gtid.h; measured on 9.7). */
const MAX = 2n ** 63n - 2n;

function invalid(text: string): UndoError {
  return new UndoError('POSITION_INVALID', `"${text.slice(0, 200)}" is not a GTID set.`, {
    fix: "Give a set as the server prints it, for example 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5 (SELECT @@global.gtid_executed).",
  });
}

function parseInterval(item: string, text: string): Interval {
  const match = INTERVAL.exec(item);
  if (!match) throw invalid(text);
  const first = BigInt(match[1]!);
  const last = match[2] === undefined ? first : BigInt(match[2]);
  if (first < 1n || last < first || last > MAX) throw invalid(text);
  return [first, last];
}

/** Index of the first interval that ends at `number` or later. */
function search(intervals: readonly Interval[], number: bigint): number {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (intervals[middle]![1] < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(intervals: Interval[], first: bigint, last: bigint): void {
  const tail = intervals.at(-1);
  // The running case: the next number of the same server.
  if (tail && first === tail[1] + 1n) {
    tail[1] = last;
    return;
  }
  const at = search(intervals, first - 1n);
  let end = at;
  let [low, high] = [first, last];
  for (; end < intervals.length && intervals[end]![0] <= last + 1n; end++) {
    if (intervals[end]![0] < low) low = intervals[end]![0];
    if (intervals[end]![1] > high) high = intervals[end]![1];
  }
  intervals.splice(at, end - at, [low, high]);
}

function remove(intervals: Interval[], first: bigint, last: bigint): void {
  const at = search(intervals, first);
  const rest: Interval[] = [];
  let end = at;
  for (; end < intervals.length && intervals[end]![0] <= last; end++) {
    const [low, high] = intervals[end]!;
    if (low < first) rest.push([low, first - 1n]);
    if (high > last) rest.push([last + 1n, high]);
  }
  intervals.splice(at, end - at, ...rest);
}

/** `uuid` or `uuid:tag`: tagged GTIDs (MySQL >= 8.3) count on their own. */
function parseGtid(gtid: string): { origin: string; number: bigint } {
  const cut = gtid.lastIndexOf(':');
  const origin = gtid.slice(0, cut).trim().toLowerCase();
  const [uuid, tag, ...more] = origin.split(':');
  if (cut < 0 || !UUID.test(uuid!) || (tag !== undefined && !TAG.test(tag)) || more.length > 0) throw invalid(gtid);
  const [first, last] = parseInterval(gtid.slice(cut + 1).trim(), gtid);
  if (first !== last) throw invalid(gtid);
  return { origin, number: first };
}

/** A MySQL GTID set (sql/rpl_gtid_set.cc is the grammar's source), mutable. Errors: POSITION_INVALID for text that is none. */
export class GtidSet {
  readonly #origins = new Map<string, Interval[]>();

  /** Reads `uuid:1-5:8,uuid:tag:1-3`, white space and empty items allowed as the server prints and takes them. */
  static parse(text: string): GtidSet {
    const set = new GtidSet();
    for (const entry of text.split(',')) {
      const [uuid, ...items] = entry.split(':').map((item) => item.trim().toLowerCase());
      if (uuid === '' && items.length === 0) continue;
      if (!UUID.test(uuid!) || items.length === 0) throw invalid(text);
      let origin = uuid!;
      for (const item of items) {
        if (TAG.test(item)) origin = `${uuid!}:${item}`;
        else set.#insert(origin, ...parseInterval(item, text));
      }
      // A tag names the intervals behind it.
      if (TAG.test(items.at(-1)!)) throw invalid(text);
    }
    return set;
  }

  /** Adds one transaction, `uuid:5` or `uuid:tag:5`; constant time for the next number of an origin. */
  add(gtid: string): void {
    const { origin, number } = parseGtid(gtid);
    this.#insert(origin, number, number);
  }

  #insert(origin: string, first: bigint, last: bigint): void {
    const intervals = this.#origins.get(origin);
    if (intervals) insert(intervals, first, last);
    else this.#origins.set(origin, [[first, last]]);
  }

  /** Is this transaction (`uuid:5`), or every transaction of this set, in here? */
  contains(other: string | GtidSet): boolean {
    if (typeof other === 'string') {
      const { origin, number } = parseGtid(other);
      return this.#covers(origin, [number, number]);
    }
    for (const [origin, intervals] of other.#origins) {
      if (!intervals.every((interval) => this.#covers(origin, interval))) return false;
    }
    return true;
  }

  #covers(origin: string, [first, last]: Interval): boolean {
    const intervals = this.#origins.get(origin) ?? [];
    const found = intervals[search(intervals, first)];
    return found !== undefined && found[0] <= first && last <= found[1];
  }

  equals(other: GtidSet): boolean {
    return this.contains(other) && other.contains(this);
  }

  /** A new set of what is in either. */
  union(other: GtidSet): GtidSet {
    const result = this.clone();
    for (const [origin, intervals] of other.#origins) for (const [first, last] of intervals) result.#insert(origin, first, last);
    return result;
  }

  /** A new set of what is in this one and not in the other. */
  subtract(other: GtidSet): GtidSet {
    const result = this.clone();
    for (const [origin, intervals] of other.#origins) {
      const own = result.#origins.get(origin);
      if (!own) continue;
      for (const [first, last] of intervals) remove(own, first, last);
      if (own.length === 0) result.#origins.delete(origin);
    }
    return result;
  }

  clone(): GtidSet {
    const copy = new GtidSet();
    for (const [origin, intervals] of this.#origins) copy.#origins.set(origin, intervals.map(([first, last]) => [first, last]));
    return copy;
  }

  isEmpty(): boolean {
    return this.#origins.size === 0;
  }

  /** As the server prints it, on one line: sorted, each uuid once, its untagged intervals first. */
  toString(): string {
    const byUuid = new Map<string, string>();
    for (const [origin, intervals] of [...this.#origins].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const [uuid, tag] = origin.split(':');
      const numbers = intervals.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(':');
      byUuid.set(uuid!, `${byUuid.get(uuid!) ?? uuid!}${tag === undefined ? '' : `:${tag}`}:${numbers}`);
    }
    return [...byUuid.values()].join(',');
  }
}
