/** Where a command reads its environment and writes to: replaced in tests. */
export interface Io {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  /** Ends when the process is asked to stop. */
  readonly signal: AbortSignal;
}

/** A line for people on standard error. */
export function note(io: Io, text: string): void {
  io.stderr.write(`binlog-undo: ${text}\n`);
}
