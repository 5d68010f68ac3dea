import { spawn } from 'node:child_process';

export interface ExecResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
  /** Milliseconds until the command is killed. */
  readonly timeout?: number;
}

/** Runs a command to its end and keeps what it printed. Rejects only when it cannot be started at all. */
export function exec(command: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      timeout: options.timeout,
      killSignal: 'SIGKILL',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A program that does not read its input closes the pipe; its exit status says what there is to say.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
    child.once('error', (error) => reject(new Error(`${command} cannot be started: ${error.message}`, { cause: error })));
    child.once('close', (code, signal) => {
      const stderr = Buffer.concat(err).toString('utf8') + (signal === null ? '' : `\n(ended by ${signal})`);
      resolve({ status: code ?? 1, stdout: Buffer.concat(out).toString('utf8'), stderr });
    });
  });
}

/** As exec, but a status other than 0 is an error that carries the end of what was printed. */
export async function execOk(command: string, args: readonly string[], options: ExecOptions = {}): Promise<string> {
  const result = await exec(command, args, options);
  if (result.status !== 0) {
    throw new Error(`${command} ${args[0] ?? ''} ended with status ${result.status}: ${lastLines(result.stderr || result.stdout, 8)}`);
  }
  return result.stdout;
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
