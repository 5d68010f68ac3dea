import { comparePositions, type Position } from '../../core/position.ts';
import type { DdlEvent } from '../ddl-event.ts';
import { definitionOfEvent } from './event-definition.ts';
import type { AdoptedObjects, ObjectChange } from './object-change.ts';
import { objectReachOf } from './object-reach.ts';
import { objectKey, type ObjectDefinition, type ObjectKind, type ObjectName, type ObjectText } from './object.ts';

/** Definitions as they were read: in force at some moment between two positions of the source. */
export interface ObjectReading {
  /** Null: not there, or not to be seen. */
  readonly definition: ObjectDefinition | null;
  readonly before: Position;
  readonly after: Position;
}

export interface SchemaListing extends Pick<ObjectReading, 'before' | 'after'> {
  /** The database itself among them. */
  readonly names: readonly ObjectName[];
}

export interface ObjectTrackerOptions {
  readonly flavour: 'mysql' | 'mariadb';
  readonly read: (name: ObjectName) => Promise<ObjectReading>;
  readonly list: (schema: string) => Promise<SchemaListing>;
  readonly capturesSchema: (schema: string) => boolean;
  /** The kinds of which the account sees all objects of a schema. */
  readonly visible: (schema: string) => readonly ObjectKind[];
  /** `drain` has something new. */
  readonly changed: () => void;
  /** The source cannot be asked; it is asked again a little later. */
  readonly failed: (error: unknown) => void;
}

interface Entry {
  readonly of: ObjectName;
  from: Position;
  state: 'reading' | 'read' | 'known';
  reading: ObjectReading | null;
  /** Whether the ledger has it. */
  stored: boolean;
  /** Of a table: kept, since DROP TRIGGER tells neither table nor text. */
  triggers: readonly ObjectText[];
}

const RETRY_MS = 5000;
/** Of one schema, read ahead. */
const MOST_OBJECTS = 10_000;
/** Characters of text that wait in memory for the stream to pass their reading. */
const MOST_TEXT = 32 * 1024 * 1024;

/**
 * Keeps the history of views, routines, triggers, events, sequences and the options of databases, so that DDL on them can be undone
 * from what they were. As with tables a reading counts once the stream has passed it without DDL on the object in between; the text
 * of CREATE PROCEDURE and FUNCTION stands in the event as the server prints it.
 */
export class ObjectTracker {
  readonly #options: ObjectTrackerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #pending: ObjectChange[] = [];
  readonly #unproven = new Set<Entry>();
  readonly #unread = new Set<Entry>();
  readonly #listings = new Map<string, SchemaListing>();
  readonly #complete = new Set<string>();
  #last: Position;
  #retryAt = 0;

  constructor(options: ObjectTrackerOptions, start: Position, { known, unknown, complete }: AdoptedObjects) {
    this.#options = options;
    this.#last = start;
    for (const { of, from, triggers } of known) this.#add({ of, from, state: 'known', reading: null, stored: true, triggers });
    for (const { of, from } of unknown) this.#unread.add(this.#add({ of, from, state: 'reading', reading: null, stored: true, triggers: [] }));
    // With rights that the account was given since it sees more: what it did not see is read now.
    for (const { schema, kinds } of complete) if (options.visible(schema).every((kind) => kinds.includes(kind))) this.#complete.add(schema);
  }

  drain(): readonly ObjectChange[] {
    return this.#pending.splice(0);
  }

  /** What is known to be there. */
  names(schema: string, kind: ObjectKind): string[] {
    return [...this.#entries.values()].filter(({ of }) => of.schema === schema && of.kind === kind).map(({ of }) => of.name);
  }

  /** Reads all objects of a schema, unless that was done before. @returns their number; null where they are too many. */
  async seed(schema: string, over: AbortSignal): Promise<number | null> {
    if (this.#complete.has(schema)) return 0;
    const listing = await this.#options.list(schema);
    if (listing.names.length > MOST_OBJECTS) return null;
    const added = listing.names.filter((name) => !this.#entries.has(objectKey(name)))
      .map((of) => this.#add({ of, from: this.#last, state: 'reading', reading: null, stored: false, triggers: [] }));
    let held = 0;
    for (const [i, entry] of added.entries()) {
      if (over.aborted) return i;
      if (held > MOST_TEXT) {
        for (const unread of added.slice(i)) if (this.#current(unread) && !unread.stored) this.#forget(unread);
        return null;
      }
      await this.#fetch(entry);
      held += entry.reading?.definition?.texts.reduce((sum, { sql }) => sum + sql.length, 0) ?? 0;
    }
    this.#listings.set(schema, listing);
    this.passed(this.#last);
    return added.length;
  }

  changed(event: DdlEvent): void {
    const reach = objectReachOf(event, this.#options.flavour);
    const { at } = event;
    if (reach.kind === 'nothing') return;
    if (reach.kind === 'schema') { this.#schemaChanged(reach.schema, reach.gone, at); return; }
    for (const name of reach.gone) this.#end(name, at);
    for (const { from, to } of reach.moved) if (this.#entries.has(objectKey(from)) || from.kind === 'EVENT') this.#move(from, to, at);
    for (const name of reach.made) this.#make(name, at, event);
    if (reach.trigger) this.#triggerGone(reach.trigger, at);
  }

  lost(at: Position): void {
    this.#listings.clear();
    for (const schema of new Set([...this.#complete, ...[...this.#entries.values()].map(({ of }) => of.schema)])) this.#endSchema(schema, at);
  }

  passed(at: Position): void {
    this.#last = at;
    let news = false;
    for (const entry of this.#unproven) {
      if (comparePositions(at, entry.reading!.after) < 0) continue;
      this.#prove(entry);
      news = true;
    }
    for (const [schema, { after }] of this.#listings) {
      if (comparePositions(at, after) < 0 || [...this.#entries.values()].some(({ of, stored }) => of.schema === schema && !stored)) continue;
      this.#listings.delete(schema);
      this.#complete.add(schema);
      this.#pending.push({ kind: 'complete', schema, from: at, kinds: this.#options.visible(schema) });
      news = true;
    }
    if (this.#unread.size > 0 && performance.now() >= this.#retryAt) this.#readAgain();
    if (news) this.#options.changed();
  }

  #schemaChanged(schema: string, gone: boolean, at: Position): void {
    const names = [...this.#entries.values()].filter(({ of }) => of.schema === schema).map(({ of }) => of);
    this.#endSchema(schema, at);
    // What could not be read of a statement may have left them as they were, or not.
    if (!gone) for (const name of names) this.#open(name, at);
  }

  #endSchema(schema: string, at: Position): void {
    for (const entry of [...this.#entries.values()]) if (entry.of.schema === schema) this.#forget(entry);
    this.#listings.delete(schema);
    this.#complete.delete(schema);
    this.#pending.push({ kind: 'ended', schema, of: null, at });
  }

  #make(name: ObjectName, at: Position, event: DdlEvent): void {
    if (!this.#options.capturesSchema(name.schema)) return;
    const entry = this.#entries.get(objectKey(name));
    if (entry?.state === 'read' && comparePositions(at, entry.reading!.before) <= 0) {
      // The reading shows what this DDL made, or a later one: it counts from here, not before.
      if (entry.stored) this.#pending.push({ kind: 'ended', schema: name.schema, of: entry.of, at });
      this.#pending.push({ kind: 'opened', of: entry.of, from: at });
      entry.from = at;
      entry.stored = true;
      return;
    }
    this.#end(name, at);
    if (name.kind === 'DATABASE' && event.statement.verb === 'CREATE') this.#begun(name.schema, at, event.statement.ifNotExists);
    const definition = definitionOfEvent(name, event);
    if (definition === null) { this.#open(name, at); return; }
    this.#pending.push({ kind: 'seeded', of: name, from: at, definition });
    // The source tells more, if it still has it.
    void this.#fetch(this.#add({ of: name, from: at, state: 'reading', reading: null, stored: true, triggers: [] }));
  }

  /** A new database is empty. */
  #begun(schema: string, at: Position, perhaps: boolean): void {
    if (this.#complete.has(schema)) return;
    if (perhaps) { void this.seed(schema, new AbortController().signal).catch(this.#options.failed); return; }
    this.#complete.add(schema);
    this.#pending.push({ kind: 'complete', schema, from: at, kinds: this.#options.visible(schema) });
  }

  #move(from: ObjectName, to: ObjectName, at: Position): void {
    this.#end(from, at);
    this.#end(to, at);
    if (this.#options.capturesSchema(to.schema)) this.#open(to, at);
  }

  #triggerGone({ schema, name }: { readonly schema: string; readonly name: string }, at: Position): void {
    const groups = [...this.#entries.values()].filter(({ of }) => of.schema === schema && of.kind === 'TRIGGERS');
    const called = (trigger: ObjectText): boolean => trigger.name.toLowerCase() === name.toLowerCase();
    const owner = groups.find(({ state, triggers }) => state === 'known' && triggers.some(called));
    if (owner) {
      const triggers = owner.triggers.filter((trigger) => !called(trigger));
      this.#end(owner.of, at);
      this.#add({ of: owner.of, from: at, state: 'known', reading: null, stored: true, triggers });
      this.#pending.push({ kind: 'seeded', of: owner.of, from: at, definition: { texts: triggers } });
      return;
    }
    // Where no table is known to have it, it may be any of those that are not known.
    for (const { of } of groups.filter(({ state }) => state !== 'known')) {
      this.#end(of, at);
      this.#open(of, at);
    }
  }

  #open(of: ObjectName, from: Position): void {
    this.#pending.push({ kind: 'opened', of, from });
    void this.#fetch(this.#add({ of, from, state: 'reading', reading: null, stored: true, triggers: [] }));
  }

  #end(name: ObjectName, at: Position): void {
    const entry = this.#entries.get(objectKey(name));
    if (!entry) return;
    this.#forget(entry);
    if (entry.stored) this.#pending.push({ kind: 'ended', schema: name.schema, of: entry.of, at });
  }

  #prove(entry: Entry): void {
    const { of, from, reading, stored } = entry;
    this.#unproven.delete(entry);
    const definition = reading!.definition!;
    this.#pending.push(stored ? { kind: 'filled', of, definition } : { kind: 'seeded', of, from, definition });
    entry.stored = true;
    entry.state = 'known';
    entry.reading = null;
  }

  #add(entry: Entry): Entry {
    this.#entries.set(objectKey(entry.of), entry);
    return entry;
  }

  #current(entry: Entry): boolean {
    return this.#entries.get(objectKey(entry.of)) === entry;
  }

  #forget(entry: Entry): void {
    this.#entries.delete(objectKey(entry.of));
    this.#unproven.delete(entry);
    this.#unread.delete(entry);
  }

  #readAgain(): void {
    this.#retryAt = performance.now() + RETRY_MS;
    const unread = [...this.#unread];
    this.#unread.clear();
    for (const entry of unread) void this.#fetch(entry);
  }

  async #fetch(entry: Entry): Promise<void> {
    try {
      const reading = await this.#options.read(entry.of);
      if (!this.#current(entry) || entry.state !== 'reading') return;
      if (reading.definition === null) {
        // Gone by later DDL, which the stream brings, or hidden: it was there, and what it was stays unknown.
        if (!entry.stored) this.#pending.push({ kind: 'opened', of: entry.of, from: entry.from });
        entry.stored = true;
        return;
      }
      entry.reading = reading;
      entry.state = 'read';
      entry.triggers = entry.of.kind === 'TRIGGERS' ? reading.definition.texts : [];
      this.#unproven.add(entry);
      this.passed(this.#last);
    } catch (error) {
      if (this.#current(entry)) this.#unread.add(entry);
      this.#retryAt = performance.now() + RETRY_MS;
      this.#options.failed(error);
    }
  }
}
