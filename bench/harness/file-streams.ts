import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

export interface FileStreams {
  /** Its standard input; default none. */
  readonly input?: string;
  /** Its standard output; default none. */
  readonly output?: string;
}

/** Runs a command that reads or writes a file, of any size and without a byte of it going through this process. @throws what it says when it fails. */
export async function runOnFiles(command: string, args: readonly string[], env: NodeJS.ProcessEnv, { input, output }: FileStreams): Promise<void> {
  const [from, to] = [input === undefined ? null : openSync(input, 'r'), output === undefined ? null : openSync(output, 'w')];
  const child = spawn(command, args, { env, stdio: [from ?? 'ignore', to ?? 'ignore', 'pipe'] });
  let said = '';
  child.stderr!.on('data', (piece: Buffer) => { said += piece.toString('utf8'); });
  await once(child, 'close');
  for (const file of [from, to]) if (file !== null) closeSync(file);
  if (child.exitCode !== 0) throw new Error(`${command} ${args[0] ?? ''} ended with ${child.exitCode ?? child.signalCode ?? '?'}: ${said.slice(-2000)}`);
}
