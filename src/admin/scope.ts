import { UndoError } from '../core/errors.ts';
import { HTTP_DIALECT, readSelection, type RawParameters } from '../script/index.ts';
import type { Principal } from './tokens.ts';

const forbidden = (what: string, fix?: string): UndoError => new UndoError('FORBIDDEN', what, fix === undefined ? {} : { fix });

/** @throws UndoError FORBIDDEN unless scripts may be had. */
export function requireScripts({ name, scope }: Principal): void {
  if (scope.access !== 'script') throw forbidden(`The token "${name}" may read and plan, not make or cancel scripts.`);
}

/** The source that is asked for; where the token has one only, that. @throws UndoError FORBIDDEN */
export function sourceWithin({ name, scope }: Principal, source: string | null): string | null {
  if (scope.sources === null || (source !== null && scope.sources.includes(source))) return source;
  if (source === null && scope.sources.length === 1) return scope.sources[0]!;
  throw forbidden(source === null ? `The token "${name}" is for some sources only.` : `The token "${name}" is not for the source ${JSON.stringify(source.slice(0, 100))}.`,
    `Name one of its sources: ${scope.sources.join(', ')}.`);
}

/** For what lists all schemas of a source alike. @throws UndoError FORBIDDEN */
export function requireAllSchemas({ name, scope }: Principal): void {
  if (scope.schemas !== null) throw forbidden(`The token "${name}" is for some schemas only, and this tells of all.`);
}

/** Narrows a selection to what the token is for: schemas that are not named are not meant. @throws UndoError FORBIDDEN */
export function narrowed(principal: Principal, raw: RawParameters): RawParameters {
  const { name, scope } = principal;
  if (scope.sources === null && scope.schemas === null) return raw;
  const selection = readSelection(raw, HTTP_DIALECT);
  const source = sourceWithin(principal, selection.source);
  const bySource = source === null ? raw : { ...raw, source };
  if (scope.schemas === null) return bySource;
  const named = [...selection.databases, ...selection.tables.map(({ schema }) => schema)];
  const beyond = named.find((schema) => !scope.schemas!.includes(schema));
  if (beyond !== undefined) throw forbidden(`The token "${name}" is not for the schema ${JSON.stringify(beyond.slice(0, 100))}.`, `Keep to its schemas: ${scope.schemas.join(', ')}.`);
  return named.length > 0 ? bySource : { ...bySource, database: scope.schemas };
}
