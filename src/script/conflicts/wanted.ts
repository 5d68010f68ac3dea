import { anyOf, listId, shapeMark } from '../../rollback/index.ts';
import { unique } from '../../store/key-collector.ts';
import type { KeySet } from '../../store/key-set.ts';
import type { TableDefinition } from '../../schema/definition.ts';
import type { Probe } from './rules.ts';

/** The hashes that the undo needs, by what they are looked for in. Four bytes a value: a million rows stay small. */
export class WantedKeys {
  readonly #probes = new Map<string, WantedProbe>();

  add(probe: Probe, hash: number): void {
    let wanted = this.#probes.get(probe.id);
    if (!wanted) this.#probes.set(probe.id, (wanted = new WantedProbe(probe)));
    wanted.add(hash);
  }

  get size(): number {
    return this.#probes.size;
  }

  has(probe: Probe, hash: number): boolean {
    return this.#probes.get(probe.id)?.has(hash) ?? false;
  }

  get tables(): { readonly schema: string; readonly table: string }[] {
    return [...this.#probes.values()].map(({ probe }) => ({ schema: probe.schema, table: probe.table }));
  }

  /** Whether rows behind a key set may hold a wanted value. @param present the definition whose columns the probes count in. */
  mayMeet(schema: string, table: string, set: KeySet, present: TableDefinition): boolean {
    const own = [...this.#probes.values()].filter(({ probe }) => probe.schema === schema && probe.table === table);
    if (own.length === 0) return false;
    if (set.lists.length === 0 || set.mark !== shapeMark(present)) return true;
    const lists = new Set(set.lists.map((list) => listId(list)));
    return own.some((wanted) => !lists.has(listId(wanted.probe.list)) || wanted.meets(set.hashes));
  }
}

class WantedProbe {
  readonly probe: Probe;
  readonly #any: number;
  #hashes = new Uint32Array(64);
  #count = 0;
  #sorted: Uint32Array | null = null;
  /** A value is wanted that only the server can compare: it may be any. */
  #wild = false;

  constructor(probe: Probe) {
    this.probe = probe;
    this.#any = anyOf(probe.list.seed);
  }

  add(hash: number): void {
    if (hash === this.#any) this.#wild = true;
    if (this.#count === this.#hashes.length) {
      const grown = new Uint32Array(this.#count * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes[this.#count++] = hash;
    this.#sorted = null;
  }

  has(hash: number): boolean {
    return this.#wild || hash === this.#any || includes(this.#all(), hash);
  }

  meets(hashes: Uint32Array): boolean {
    if (this.#wild) return hashes.length > 0;
    if (includes(hashes, this.#any)) return true;
    const own = this.#all();
    // The shorter list is looked up in the longer one.
    const [few, many] = own.length < hashes.length ? [own, hashes] : [hashes, own];
    for (const hash of few) if (includes(many, hash)) return true;
    return false;
  }

  #all(): Uint32Array {
    if (this.#sorted === null) {
      this.#sorted = unique(this.#hashes.slice(0, this.#count));
      this.#hashes = this.#sorted.slice();
      this.#count = this.#hashes.length;
      if (this.#count === 0) this.#hashes = new Uint32Array(64);
    }
    return this.#sorted;
  }
}

function includes(sorted: Uint32Array, hash: number): boolean {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const value = sorted[middle]!;
    if (value === hash) return true;
    if (value < hash) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}
