import { hostname, userInfo } from 'node:os';
import type { Config } from '../config/config.ts';
import { openConnection } from '../core/mysql.ts';
import type { Position } from '../core/position.ts';
import type { LiveSource, ReachProver, ScriptContext } from '../script/index.ts';
import { Ledger } from '../store/ledger.ts';
import { proveReach } from './run/reach.ts';
import { VERSION } from './version.ts';

/** A context of the script engine with a connection of its own. */
export class OpenEngine implements AsyncDisposable {
  readonly context: ScriptContext;

  private constructor(context: ScriptContext) {
    this.context = context;
  }

  /**
   * @param requester for the history of scripts; whoever runs the command by default.
   * @param knownReach what a daemon of this process knows of the source's log; null asks the source itself.
   */
  static async open(
    config: Config<'backup'>, signal: AbortSignal, requester: ScriptContext['requester'] = thisUser(), knownReach: () => Position | null = () => null,
  ): Promise<OpenEngine> {
    const connection = await openConnection(config.backup.endpoint);
    const ledger = new Ledger(config.ledger);
    const { source } = config;
    const prove: ReachProver = async (record, checkpoint, target) => knownReach()
      ?? proveReach({ source: source!.endpoint, store: connection, ledger, sourceId: record.id, checkpoint, target });
    const live: LiveSource | null = source === null ? null : { alias: source.alias, endpoint: source.endpoint, prove };
    return new OpenEngine({ connection, ledger, live, requester, version: VERSION, signal });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.context.connection.destroy();
    return Promise.resolve();
  }
}

/** Who runs the command. */
export function thisUser(): ScriptContext['requester'] {
  return { name: userName(), client: `command line on ${hostname()}` };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no account has.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
