import { ERRORS, UndoError, reasonOf, type ErrorCode } from '../core/errors.ts';
import type { PlainFailure } from './delivery-order.ts';

/** What `core/mysql` looks at in a driver's error. */
const MARKS = ['errno', 'sqlState', 'code', 'fatal'] as const;

export function plainFailure(error: unknown): PlainFailure {
  const marks: Record<string, string | number | boolean> = {};
  for (const mark of MARKS) {
    const value = error instanceof Error && mark in error ? (error as unknown as Record<string, unknown>)[mark] : undefined;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') marks[mark] = value;
  }
  return { message: reasonOf(error), named: error instanceof UndoError ? { code: error.code, fix: error.fix } : null, marks };
}

/** The error again, as far as anybody asks of it. */
export function fullFailure({ message, named, marks }: PlainFailure): Error {
  if (named && named.code in ERRORS) return new UndoError(named.code as ErrorCode, message, { fix: named.fix });
  return Object.assign(new Error(message), marks);
}
