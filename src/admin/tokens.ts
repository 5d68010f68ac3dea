import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { UndoError, reasonOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { fileStamp } from './file-stamp.ts';

/** What somebody may ask for. Null: no limit. */
export interface Scope {
  readonly sources: readonly string[] | null;
  readonly schemas: readonly string[] | null;
  /** read: everything but scripts and their cancelling. */
  readonly access: 'read' | 'script';
}

/** Who asks: the name stands in the history of scripts. */
export interface Principal {
  readonly name: string;
  readonly scope: Scope;
}

interface Entry extends Principal {
  readonly hash: Buffer;
}

export const UNLIMITED: Scope = { sources: null, schemas: null, access: 'script' };

export const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * The tokens of a file: `[{"name": "anna", "sha256": "HEX", "sources": ["shop"], "schemas": ["orders"], "access": "read"}]`, the hash
 * being that of the token. Read again when the file has changed. A file that cannot be read or understood lets nobody in.
 */
export class TokenFile {
  readonly #path: string;
  readonly #log: Logger;
  #stamp = '';
  #entries: readonly Entry[] = [];

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Compares with every entry, whatever the first ones give. */
  find(token: string): Principal | null {
    this.#refresh();
    const hash = digest(token);
    let found: Principal | null = null;
    for (const entry of this.#entries) if (timingSafeEqual(entry.hash, hash)) found = entry;
    return found;
  }

  /** @throws UndoError CONFIG_INVALID, for the start. */
  check(): void {
    parse(this.#path);
  }

  #refresh(): void {
    const stamp = fileStamp(this.#path);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#entries = parse(this.#path);
      this.#log.info({ event: 'tokens_read', count: this.#entries.length }, 'Read the file of tokens');
    } catch (error) {
      this.#entries = [];
      this.#log.error({ event: 'tokens_unreadable', error }, 'The file of tokens cannot be used: nobody is let in');
    }
  }
}

function parse(path: string): Entry[] {
  const invalid = (what: string): UndoError => new UndoError('CONFIG_INVALID', `The file of tokens "${path}" ${what}.`, {
    fix: 'It holds a list of {"name": TEXT, "sha256": 64 hexadecimal digits, "sources": [..], "schemas": [..], "access": "read" or "script"}; sources and schemas may be left out.',
  });
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw invalid(`cannot be read: ${reasonOf(error)}`);
  }
  if (!Array.isArray(list)) throw invalid('is not a list');
  const names = new Set<string>();
  return list.map((item: unknown, index): Entry => {
    const at = `entry ${index + 1}`;
    if (typeof item !== 'object' || item === null) throw invalid(`has no object as ${at}`);
    const { name, sha256, sources = null, schemas = null, access = 'read', ...more } = item as Record<string, unknown>;
    if (typeof name !== 'string' || name === '' || name.length > 100 || names.has(name)) throw invalid(`has no name of its own in ${at}`);
    names.add(name);
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(sha256)) throw invalid(`has no sha256 of 64 hexadecimal digits in ${at}`);
    if (!isNames(sources) || !isNames(schemas)) throw invalid(`has sources or schemas in ${at} that are no lists of names`);
    if (access !== 'read' && access !== 'script') throw invalid(`has an access in ${at} that is neither read nor script`);
    const [unknown] = Object.keys(more);
    if (unknown !== undefined) throw invalid(`has an unknown key ${JSON.stringify(unknown.slice(0, 50))} in ${at}`);
    return { name, hash: Buffer.from(sha256, 'hex'), scope: { sources, schemas, access } };
  });
}

const isNames = (value: unknown): value is string[] | null => value === null || (Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== ''));
