import { timingSafeEqual } from 'node:crypto';
import { UndoError } from '../core/errors.ts';
import { UNLIMITED, digest, type Principal, type TokenFile } from './tokens.ts';

/** Where tokens come from. */
export interface Doors {
  /** One token that opens everything; null: none. Asked at each request, since its file may change. */
  readonly token: () => string | null;
  /** Null: no file of tokens. */
  readonly tokens: TokenFile | null;
}

/**
 * Compares digests, so that neither the content nor the length of a token shows in the time.
 * @throws UndoError UNAUTHORIZED
 */
export function authenticate(header: string | undefined, doors: Doors): Principal {
  const token = doors.token();
  if (token === null && doors.tokens === null) return { name: 'anybody (no token is set)', scope: UNLIMITED };
  const [, given] = /^Bearer ([^\s]+)$/i.exec(header ?? '') ?? [];
  const named = given === undefined ? null : doors.tokens?.find(given) ?? null;
  const master = given !== undefined && token !== null && timingSafeEqual(digest(given), digest(token));
  if (named) return named;
  if (master) return { name: 'holder of the token', scope: UNLIMITED };
  throw new UndoError('UNAUTHORIZED', header === undefined ? 'The request carries no token.' : 'The token is not the right one.');
}
