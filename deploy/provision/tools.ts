import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { ensurePrefix } from './debian-prefix.ts';
import { exec, type ExecOptions, type ExecResult } from './exec.ts';
import { platform } from './host.ts';
import type { PrefixKind } from './kinds.ts';
import { loaderCommand } from './loader.ts';

/** Everything that child_process.spawn needs to start a program of a prefix. */
export interface ToolCommand {
  readonly command: string;
  readonly args: string[];
  readonly env: NodeJS.ProcessEnv;
}

/** @param program its path in the prefix, for example usr/bin/mariadb, usr/bin/mysqlbinlog or usr/bin/sysbench */
export async function toolCommand(kind: PrefixKind, program: string, args: readonly string[]): Promise<ToolCommand> {
  const { root } = await ensurePrefix(kind);
  const [command, loaderArgs] = loaderCommand(root, program, args);
  return { command, args: loaderArgs, env: { ...process.env, ...libraryEnv(root) } };
}

/** Paths that the libraries would otherwise look up below the host's /usr. */
function libraryEnv(root: string): NodeJS.ProcessEnv {
  return {
    MARIADB_PLUGIN_DIR: join(root, 'usr/lib', platform().triplet, 'libmariadb3/plugin'),
    LUA_PATH: join(root, 'usr/share/sysbench/?.lua'),
  };
}

/** Runs a tool to its end. Give the clients --no-defaults first, so that the host's option files do not matter. */
export async function runTool(kind: PrefixKind, program: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const tool = await toolCommand(kind, program, args);
  return exec(tool.command, tool.args, { ...options, env: { ...tool.env, ...options.env } });
}

/** Starts a tool whose output is to be streamed; ending it is the caller's matter. */
export async function spawnTool(kind: PrefixKind, program: string, args: readonly string[], options: { readonly input?: string | Uint8Array } = {}): Promise<ChildProcessWithoutNullStreams> {
  const tool = await toolCommand(kind, program, args);
  const child = spawn(tool.command, tool.args, { env: tool.env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined); // its exit status tells why it stopped reading
  if (options.input !== undefined) child.stdin.end(options.input);
  return child;
}

/** The folder of sysbench's own Lua scripts (oltp_read_write.lua and others). */
export async function sysbenchScripts(): Promise<string> {
  return join((await ensurePrefix('sysbench')).root, 'usr/share/sysbench');
}
