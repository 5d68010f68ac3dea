import { ERRORS, UndoError, type ErrorCode } from '../core/errors.ts';

/** RFC 9457 problem details, with our code and the way out. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode | 'NOT_FOUND' | 'METHOD_NOT_ALLOWED' | 'BODY_INVALID';
  readonly detail: string;
  readonly fix: string;
  /** The request's id, as in the answer's x-request-id and in the log. */
  readonly requestId?: string;
}

export const PROBLEM_TYPE = 'application/problem+json';

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid', 401: 'Not authorized', 403: 'Not allowed', 404: 'Not found', 405: 'Method not allowed', 409: 'Refused', 413: 'Body too large', 415: 'Unsupported body', 429: 'Too many requests',
  500: 'Internal error', 503: 'Not available',
};

export function problem(status: number, code: Problem['code'], detail: string, fix: string): Problem {
  return { type: `urn:binlog-undo:error:${code}`, title: TITLES[status] ?? 'Error', status, code, detail, fix };
}

/** What is not ours is told as a fault of ours, without its inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof UndoError) return { ...problem(error.httpStatus, error.code, error.message, error.fix), ...error.details };
  return problem(500, 'INTERNAL', 'The request failed.', ERRORS.INTERNAL.fix);
}
