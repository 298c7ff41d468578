import { type Argument, Command, type HelpConfiguration } from 'commander';
import { refuseUnknownVariables } from '../config/load.ts';
import { OPTIONS, type OptionName } from '../config/options.ts';
import { VERSION } from '../version.ts';
import { EXIT_MEANINGS } from './exit.ts';
import type { EngineFlags } from './serve.ts';
import type { Terminal } from './terminal.ts';
import { broken, prose } from './text-width.ts';

export interface JsonFlag {
  readonly json?: boolean;
}

/** What each group of commands is written into: the parents of commands, and where their exit codes go. */
export interface CommandTable {
  readonly terminal: Terminal;
  readonly program: Command;
  readonly ended: (code: number) => void;
  /** A command that talks to a server with the SDK; `list` is what a bare group does. */
  client(name: string, summary: string, parent?: Command): Command;
  /** A command of this machine alone. */
  local(name: string, summary: string): Command;
  group(name: string, summary: string): Command;
  /** Sentences below the help of a command. */
  told(command: Command, text: string): Command;
}

/** A wider line is hard to read, and this is what everybody has. */
const WIDTH_MAX = 80;
/** Narrower than this, what a flag does is said below it and not beside it. */
const WIDTH_BESIDE_MIN = 60;

function helpLayout(columns: number): HelpConfiguration {
  const helpWidth = Math.min(WIDTH_MAX, columns);
  const layout: HelpConfiguration = {
    helpWidth,
    minWidthToWrap: 0,
    showGlobalOptions: false,
    subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
  };
  if (helpWidth >= WIDTH_BESIDE_MIN) return layout;
  const below = (term: string, _termWidth: number, description: string): string =>
    [`  ${term}`, ...broken(description, helpWidth - 6).map((line) => `      ${line}`)].join('\n');
  return { ...layout, formatItem: below };
}

const argumentTerm = (argument: Argument): string => (argument.required ? `<${argument.name()}>` : `[${argument.name()}]`);

export function commandTable(terminal: Terminal, ended: (code: number) => void): CommandTable {
  const program = new Command('shoal')
    .description(
      'An email engine for AI agents: an inbox with one call, and mail that is never lost and never sent twice; where nobody can know, it is shown to you.',
    )
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this help; `shoal COMMAND --help` tells more')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
      outputError: () => {}, // the program says it, as it says what else goes wrong
    })
    .configureHelp(helpLayout(terminal.columns));
  const table: CommandTable = {
    terminal,
    program,
    ended,
    client(name, summary, parent = program) {
      const command = parent
        .command(name, { isDefault: name === 'list' })
        .description(summary)
        .option('--json', 'print JSON')
        .helpOption('--help', 'print this help')
        .hook('preAction', () => refuseUnknownVariables(terminal.env));
      return table.told(command, CLIENT_HELP);
    },
    local: (name, summary) =>
      program.command(name).description(summary).option('--json', 'print JSON').helpOption('--help', 'print this help'),
    group: (name, summary) => program.command(name).description(summary).helpOption('--help', 'print this help').helpCommand(false),
    told: (command, text) => command.addHelpText('after', `\n${prose(text, Math.min(WIDTH_MAX, terminal.columns))}`),
  };
  table.told(program, exitHelp());
  return table;
}

/** Gives a command the flags of these options of the engine, as `OPTIONS` describes them. */
export function withOptions(command: Command, options: readonly OptionName[]): Command {
  for (const option of OPTIONS.filter((known) => options.includes(known.name) && known.flag !== undefined))
    command.option(`${option.flag} <value>`, `${option.description} (${option.unit}; default ${option.default})`);
  return command;
}

export function optionsIn(flags: EngineFlags): EngineFlags {
  return Object.fromEntries(OPTIONS.map(({ name }) => [name, flags[name]]).filter(([, value]) => value !== undefined));
}

const CLIENT_HELP =
  'Talks to the server at SHOAL_URL (default http://127.0.0.1:7070), with the token in SHOAL_TOKEN, else the one kept in ' +
  '~/.shoal/tokens.json, else a new one.';

function exitHelp(): string {
  return `Exit codes:\n${EXIT_MEANINGS.map(([code, meaning]) => `${String(code).padStart(5)}  ${meaning}`).join('\n')}`;
}
