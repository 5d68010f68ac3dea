import type { ExecResult } from '../provision/index.ts';
import type { Narrator } from './narrator.ts';
import { runProgram, shown, type Program } from './program.ts';

/** Runs binlog-undo's commands with the demo's configuration file, and shows them as they can be copied. */
export class Commands {
  readonly #program: Program;
  readonly #configuration: string;
  readonly #tell: Narrator;

  constructor(program: Program, configuration: string, tell: Narrator) {
    this.#program = program;
    this.#configuration = configuration;
    this.#tell = tell;
  }

  text(args: readonly string[]): string {
    return shown(this.#program, this.#args(args));
  }

  /** @throws Error when the command ends with a status other than 0 */
  async run(args: readonly string[]): Promise<ExecResult> {
    const result = await runProgram(this.#program, this.#args(args));
    if (result.status !== 0) throw new Error(`${this.text(args)} ended with status ${result.status}:\n${result.stdout}${result.stderr}`);
    return result;
  }

  async show(args: readonly string[]): Promise<void> {
    this.#tell.command(this.text(args));
    this.#tell.output((await this.run(args)).stdout);
  }

  #args([command = '', ...rest]: readonly string[]): string[] {
    return [command, '--config', this.#configuration, ...rest];
  }
}
