import { pino, type DestinationStream } from 'pino';
import { UndoError } from './errors.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

type Write = (fields: { readonly event: string } & Readonly<Record<string, unknown>>, message: string) => void;

/**
 * JSON lines, one for each event of the daemon's life and none for a row. Call it as
 * `log.info({ event: 'source_connected', position }, 'Reading the binlog')`: `event` is stable and meant for machines,
 * the message is for people. An `error` field may hold any thrown value.
 */
export interface Logger {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** A logger that adds fields to each line, for example the source's alias. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** Keys whose values never reach a log line, at the first three depths. */
const SECRET_KEYS = ['password', 'passwd', 'token', 'secret', 'authorization'];
const SECRET_PATHS = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/**
 * @param destination where lines go; standard error by default, since scripts are printed on standard output.
 *   Tests hand in a stream of their own.
 */
export function createLogger(level: LogLevel | 'silent', destination: DestinationStream = process.stderr): Logger {
  return pino(
    {
      level,
      base: { name: 'binlog-undo', pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[secret]' },
      serializers: { error: describeError },
    },
    destination,
  );
}

/** An error as a log line holds it: what it says, its code, the way out, and what caused it; no stack, no properties of foreign errors. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    message: error.message,
    ...(code !== undefined && { code }),
    ...(error instanceof UndoError && { fix: error.fix }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
