import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../config/nearest.ts';
import { flagOptions, SETTINGS } from '../config/schema.ts';
import { UndoError } from '../core/errors.ts';
import { TEXT_FINDS_ONLY, type ParameterInfo, type ParameterName, type RawParameters } from '../script/index.ts';

/** One command of the program. */
export interface CommandInfo {
  readonly name: string;
  /** One line in the list of commands. */
  readonly summary: string;
  /** What it does, a paragraph or two. */
  readonly about: string;
  /** Parameters of the script engine that it takes, as long options. */
  readonly parameters: Readonly<Partial<Record<ParameterName, ParameterInfo>>>;
  /** Options with a value that only this command knows. */
  readonly options?: Readonly<Record<string, ParameterInfo>>;
  /** Options without a value, with their meaning. */
  readonly switches: Readonly<Record<string, string>>;
  /** Which settings of the configuration it takes as options. */
  readonly settings: 'daemon' | 'common';
  readonly examples: readonly string[];
}

export interface ParsedArgs {
  readonly raw: RawParameters;
  /** Values of the command's own options, in the order given. */
  readonly options: Readonly<Partial<Record<string, readonly string[]>>>;
  readonly switches: ReadonlySet<string>;
  readonly configFile: string | undefined;
  /** For loadConfig. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const EVERYWHERE = { help: 'Show this.', version: 'Show the version.' } as const;

export const flagOf = (parameter: string): string => parameter.replaceAll('_', '-');

/** @throws UndoError USAGE, with the nearest known option. */
export function parseCommand(command: CommandInfo, argv: readonly string[]): ParsedArgs {
  const switches = { ...command.switches, ...EVERYWHERE };
  const parameters = Object.entries(command.parameters) as [ParameterName, ParameterInfo][];
  const own = Object.keys(command.options ?? {});
  const settings = flagOptions(command.settings);
  const bare = new Set([...Object.keys(switches), ...parameters.filter(([, info]) => info.placeholder === '').map(([name]) => flagOf(name))]);
  const valued = new Set(['config', ...own, ...Object.keys(settings), ...parameters.map(([name]) => flagOf(name))].filter((name) => !bare.has(name)));
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const name of ['h', ...bare]) options[name] = { type: 'boolean', multiple: true };
  for (const name of valued) options[name] = { type: 'string', multiple: true };
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true, allowPositionals: true });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw usage(command, `"${token.value}" is one word too many`, 'Options start with --.');
    if (token.name === 'h') {
      given.set('help', ['true']);
      continue;
    }
    if (!token.rawName.startsWith('--') || (!bare.has(token.name) && !valued.has(token.name))) throw unknown(command, token.rawName, [...bare, ...valued]);
    // A value that looks like an option was most likely meant as one: the value is missing.
    if (valued.has(token.name) && (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))) {
      throw usage(command, `${token.rawName} lacks its value`, 'Give it behind the option.');
    }
    const isSwitch = token.name in switches;
    if (isSwitch && token.inlineValue === true) throw usage(command, `${token.rawName} takes no value`, 'Leave it out.');
    given.set(token.name, [...given.get(token.name) ?? [], bare.has(token.name) ? token.value ?? 'true' : token.value!]);
  }
  const once = (name: string): string | undefined => {
    const values = given.get(name);
    if (values && values.length > 1) throw usage(command, `--${name} is given ${values.length} times`, 'Give it once.');
    return values?.[0];
  };
  return {
    raw: Object.fromEntries(parameters.flatMap(([name]) => {
      const values = given.get(flagOf(name));
      return values ? [[name, values]] : [];
    })),
    options: Object.fromEntries(own.flatMap((name) => (given.has(name) ? [[name, given.get(name)!]] : []))),
    switches: new Set(Object.keys(switches).filter((name) => given.has(name))),
    configFile: once('config'),
    settings: Object.fromEntries(Object.entries(settings).flatMap(([name, { multiple }]) => {
      const value = multiple ? given.get(name) : once(name);
      return value === undefined ? [] : [[name, value]];
    })),
  };
}

function usage(command: CommandInfo, what: string, fix: string): UndoError {
  return new UndoError('USAGE', `${what}.`, { fix: `${fix} See binlog-undo ${command.name} --help.` });
}

function unknown(command: CommandInfo, name: string, known: readonly string[]): UndoError {
  if (name === '--text') return usage(command, `--text is for find: ${TEXT_FINDS_ONLY}`, 'Find the operations with it, and name them with --opid.');
  const close = nearest(name.replace(/^-+/, ''), known);
  return usage(command, `${name} is not an option of ${command.name}`, close === null ? '' : `The nearest is --${close}.`);
}

/** The text of `binlog-undo COMMAND --help`. */
export function commandHelp(command: CommandInfo): string {
  const rows: [string, string][] = [
    ...[...Object.entries(command.parameters), ...Object.entries(command.options ?? {})].map(([name, info]): [string, string] => {
      const values = info.values ? ` [${info.values.join(', ')}]` : '';
      return [`--${flagOf(name)}${info.placeholder === '' ? '' : ` ${info.placeholder}`}`, `${info.doc}${values}${info.repeat ? ' May be repeated.' : ''}`];
    }),
    ...Object.entries({ ...command.switches, ...EVERYWHERE }).map(([name, doc]): [string, string] => [`--${name}`, doc]),
    ['--config FILE', 'Read settings from a JSON file.'],
  ];
  const own = SETTINGS.filter(({ daemon }) => command.settings === 'daemon' || daemon !== true).map(({ flag }) => `--${flag}`);
  const width = Math.max(...rows.map(([option]) => option.length)) + 2;
  return `${[
    `binlog-undo ${command.name}: ${command.summary}`, '', command.about, '', 'Options:',
    ...rows.map(([option, doc]) => `  ${option.padEnd(width)}${doc}`), '',
    'Settings, which stand in the environment or the file as well (docs/configuration.md):', ...wrap(own), '',
    'Examples:', ...command.examples.map((example) => `  ${example}`),
  ].join('\n')}\n`;
}

function wrap(words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const word of words) {
    if (line.length + word.length > 110) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
