import type { CommandInfo, ParsedArgs } from '../args.ts';
import type { Io } from '../io.ts';

export interface Command {
  readonly info: CommandInfo;
  /** @returns the exit status. @throws UndoError */
  run(args: ParsedArgs, io: Io): Promise<number>;
}
