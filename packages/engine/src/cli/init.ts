import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ShoalError } from '@shoal/sdk';
import { configOf } from '../config/check.ts';
import { hostOf } from '../model/sender.ts';
import { presetForHost } from '../model/preset.ts';
import { makeFolder } from '../folder.ts';
import { type Setup, type SetupFile, type SetupFormat, setupFiles } from './init-files.ts';
import { transportFindings } from './doctor-transport.ts';
import { EXIT } from './exit.ts';
import { type Finding, findingText } from './finding.ts';
import { transportIn } from './senders.ts';
import type { Terminal } from './terminal.ts';

export interface InitFlags {
  readonly domain?: string;
  /** A URL without a password, or `-`. */
  readonly transport?: string;
  readonly preset?: string;
  readonly dataDir?: string;
  readonly format?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  /** False with `--no-test`. */
  readonly test?: boolean;
  readonly json?: boolean;
}

const DEFAULTS = { domain: 'shoal.localhost', transport: 'capture:', dataDir: './.shoal' } as const;

/** Writes a configuration for this folder, and tries the transport that it names. */
export async function init(terminal: Terminal, flags: InitFlags): Promise<number> {
  const format = formatOf(flags.format);
  refuseToOverwrite(terminal, flags);
  const setup = checked(await setupFrom(terminal, flags));
  const written = await write(terminal, setup, format);
  const findings = flags.test === false ? [] : await transportFindings(setup);
  report(terminal, { written, findings, setup }, flags);
  return findings.some(({ level }) => level === 'error') ? EXIT.failed : EXIT.ok;
}

const FORMATS = ['js', 'ts', 'json'] as const;

function formatOf(written = 'js'): SetupFormat {
  const format = FORMATS.find((known) => known === written);
  if (format !== undefined) return format;
  throw bad(
    `--format must be one of ${FORMATS.join(', ')}, got ${JSON.stringify(written)}`,
    'js works with every Node; json holds no comments.',
  );
}

function refuseToOverwrite({ cwd }: Terminal, { force }: InitFlags): void {
  const there = FORMATS.map((format) => `shoal.config.${format}`).find((name) => existsSync(join(cwd, name)));
  if (there !== undefined && force !== true) throw bad(`${there} is here already`, 'Change it by hand, or give --force to write it anew.');
}

/** Flags first, then a person, then the defaults; nobody is asked what a flag said. */
async function setupFrom(terminal: Terminal, flags: InitFlags): Promise<Setup> {
  const { ask } = terminal;
  const open = (['domain', 'transport', 'dataDir'] as const).filter((name) => flags[name] === undefined);
  if (open.length > 0 && flags.yes !== true && ask === undefined)
    throw bad(
      `init would have to ask for ${open.map((name) => FLAGS[name]).join(', ')}, and there is no terminal to ask at`,
      'Give these flags, or --yes for the defaults (mail is captured, none is sent).',
    );
  const asked = async (name: 'domain' | 'dataDir', question: string): Promise<string> => {
    const given = flags[name];
    if (given !== undefined) return given;
    const answer = flags.yes === true || ask === undefined ? '' : await ask(`${question} [${DEFAULTS[name]}]: `);
    return answer === '' ? DEFAULTS[name] : answer;
  };
  const domain = await asked('domain', 'Domain of the inboxes');
  const transport = await transportFor(terminal, flags);
  const preset = flags.preset;
  return { domain, transport, ...(preset !== undefined && { preset }), dataDir: await asked('dataDir', 'Folder for the database') };
}

const FLAGS = { domain: '--domain', transport: '--transport', dataDir: '--data-dir' } as const;

async function transportFor(terminal: Terminal, flags: InitFlags): Promise<string> {
  if (flags.transport !== undefined) return transportIn(terminal, flags.transport);
  if (flags.yes === true || terminal.ask === undefined) return DEFAULTS.transport;
  const { ask } = terminal;
  const host = await ask('SMTP server, host or host:port (empty: keep mail here, send none): ');
  if (host === '') return DEFAULTS.transport;
  const user = await ask('User (empty: no login): ');
  if (user === '') return `smtp://${host}`;
  const password = await ask('Password (not shown): ', { isSecret: true });
  const scheme = host.endsWith(':465') ? 'smtps' : 'smtp';
  return `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}`;
}

/** What `serve` would refuse is refused before anything is written. @throws ShoalError `bad_config` */
function checked(setup: Setup): Setup {
  const { domain, transport, dataDir, preset } = setup;
  configOf({ domain, transport, dataDir, ...(preset !== undefined && { senders: { default: { preset } } }) });
  return setup;
}

async function write(terminal: Terminal, setup: Setup, format: SetupFormat): Promise<readonly SetupFile[]> {
  const files = setupFiles(setup, format);
  try {
    makeFolder(resolve(terminal.cwd, setup.dataDir));
    for (const file of files) await writeWhole(resolve(terminal.cwd, file.path), file);
  } catch (error) {
    const { message } = error as Error;
    throw bad(`cannot write the configuration: ${message}`, 'Run this in a folder that you may write to, or give another --data-dir.');
  }
  return files;
}

/** There is the whole file or the one that was there before, whenever this ends. */
async function writeWhole(path: string, { text, isSecret }: SetupFile): Promise<void> {
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true }); // of an earlier try, and perhaps of another mode
  try {
    await writeFile(unfinished, text, { mode: isSecret ? 0o600 : 0o644 });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

function report(
  terminal: Terminal,
  done: { readonly written: readonly SetupFile[]; readonly findings: readonly Finding[]; readonly setup: Setup },
  { json }: InitFlags,
): void {
  const { written, findings, setup } = done;
  const host = hostOf(setup.transport);
  const guess = host === undefined || setup.preset !== undefined ? undefined : presetForHost(host);
  const limits = guess?.kind === 'guessed' || guess?.kind === 'known' ? guess.preset.id : null;
  if (json === true) {
    terminal.printJson({ written: written.map(({ path }) => path), preset: setup.preset ?? limits, findings });
    return;
  }
  terminal.say(written.map(({ path }) => `wrote ${path}`).join('\n'));
  if (limits !== null) terminal.say(`limits: preset ${limits}, found by the host`);
  for (const finding of findings) terminal.print(findingText(finding, terminal.columns, terminal.hasColor));
  const isUsable = findings.every(({ level }) => level !== 'error');
  const secret = written.find(({ isSecret }) => isSecret)?.path;
  if (!isUsable) terminal.say(`next: put that right in ${secret ?? written.at(-1)?.path ?? ''}; \`shoal doctor\` tries it again`);
  const start = secret?.endsWith('.env') === true ? `\`set -a; . ${secret}; set +a\`, then \`shoal serve\`` : '`shoal serve`';
  terminal.say(isUsable ? `next: ${start}; \`shoal doctor\` looks at everything else` : `then: ${start}`);
}

function bad(message: string, hint: string): ShoalError {
  return new ShoalError({ code: 'bad_option', message, hint });
}
