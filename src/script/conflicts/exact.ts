import type { Connection } from 'mysql2/promise';
import { rows } from '../../core/mysql.ts';
import type { Change, SpaceValue } from './types.ts';

const TEXTS_AT_ONCE = 500;

/** Gives equal values equal names: by their bytes, and where text cannot be compared so, by the server's own weights. */
export class ExactValues {
  readonly #weights = new Map<string, string>();
  readonly #byServer = new Set<string>();

  private constructor(changes: readonly Change[]) {
    for (const { space, parts } of valuesOf(changes)) if (parts.some(({ text }) => text !== null && !text.local)) this.#byServer.add(space);
  }

  /** @param servers asked in turn: not each knows every collation. */
  static async of(changes: readonly Change[], servers: readonly Connection[]): Promise<ExactValues> {
    const exact = new ExactValues(changes);
    const texts = new Map<string, { readonly charset: string; readonly collation: string; readonly raw: string; readonly prefix: number | null }>();
    for (const { space, parts } of valuesOf(changes)) {
      if (exact.#byServer.has(space)) for (const { text } of parts) if (text) texts.set(textId(text), text);
    }
    const all = [...texts.values()];
    for (const collation of new Set(all.map((text) => text.collation))) await exact.#ask(all.filter((text) => text.collation === collation), servers);
    return exact;
  }

  name({ space, parts }: SpaceValue): string {
    const byServer = this.#byServer.has(space);
    return `${space}\0${parts.map(({ bytes, text }) => {
      // Text of a collation that no server knows counts as equal to any: rather a conflict too many.
      const value = byServer && text !== null ? this.#weights.get(textId(text)) ?? '*' : bytes;
      return value.replaceAll('\0', '\0\0');
    }).join('\0.')}`;
  }

  async #ask(texts: readonly { readonly charset: string; readonly collation: string; readonly raw: string; readonly prefix: number | null }[], servers: readonly Connection[]): Promise<void> {
    const [first] = texts;
    if (!first || !/^\w+$/.test(first.charset) || !/^\w+$/.test(first.collation)) return;
    // The weights of padding count in some collations; spaces at the end are equal to none in all that pad.
    const pads = !/_nopad_|_0900_/.test(first.collation);
    for (const server of servers) {
      try {
        for (let at = 0; at < texts.length; at += TEXTS_AT_ONCE) {
          const some = texts.slice(at, at + TEXTS_AT_ONCE);
          const sql = some.map(({ raw, prefix }, i) => {
            const all = `CONVERT(X'${raw}' USING ${first.charset})`;
            const text = `${prefix === null ? all : `LEFT(${all}, ${prefix})`} COLLATE ${first.collation}`;
            return `SELECT ${i} AS place, HEX(WEIGHT_STRING(${pads ? `TRIM(TRAILING ' ' FROM ${text})` : text})) AS weight`;
          }).join(' UNION ALL ');
          for (const { place, weight } of await rows<{ place: string | number; weight: string }>(server, sql)) {
            this.#weights.set(textId(some[Number(place)]!), `w${weight}`);
          }
        }
        return;
      } catch {
        // Unknown to this flavour of server: the next one may know it.
      }
    }
  }
}

function textId({ collation, raw, prefix }: { readonly collation: string; readonly raw: string; readonly prefix: number | null }): string {
  return `${collation} ${prefix ?? ''} ${raw}`;
}

function* valuesOf(changes: readonly Change[]): Generator<SpaceValue> {
  for (const { checks, emits } of changes) {
    yield* checks;
    yield* emits;
  }
}
