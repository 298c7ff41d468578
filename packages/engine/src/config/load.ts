import { checkOptions, isHarmlessLater, unknownName, type Written, type WrittenOptions, withAbsolutePaths, writtenIn } from './check.ts';
import { ShoalError } from '../model/errors.ts';
import { readConfigFile } from './file.ts';
import { CLIENT_VARIABLES, LATER_VARIABLES, OPTIONS, type OptionName } from './options.ts';
import type { Config } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Sources {
  /** Values of command-line flags, by option name. */
  readonly flags?: Readonly<Partial<Record<OptionName, string>>>;
  /** Instead of the process's own environment. */
  readonly env?: Environment;
  /** Where `shoal.config` is looked for and relative paths begin. */
  readonly cwd?: string;
}

export interface Loaded {
  readonly config: Config;
  /** The options somebody wrote; the others have their default. */
  readonly written: ReadonlySet<OptionName>;
  /** How each of those was named where it was written: `SHOAL_HTTP`, `--http`, `http in shoal.config.json`. */
  readonly origins: Readonly<Partial<Record<OptionName, string>>>;
}

/**
 * Reads the configuration: flags before the environment before `shoal.config` before defaults. The only reader of the
 * environment in the engine.
 *
 * @throws ShoalError `bad_config`: which option, what is wrong with it, and the nearest name for an unknown one
 * @example
 * const { config } = await loadConfig({ flags: { http: '127.0.0.1:0' } });
 */
export async function loadConfig(sources: Sources = {}): Promise<Loaded> {
  const cwd = sources.cwd ?? process.cwd();
  const file = await readConfigFile(cwd);
  const written: WrittenOptions = {
    ...(file === undefined ? {} : writtenIn(file.values, (name) => `${name} in ${file.name}`)),
    ...fromEnvironment(sources.env ?? process.env),
    ...fromFlags(sources.flags ?? {}),
  };
  return {
    config: withAbsolutePaths(checkOptions(written), cwd),
    written: new Set(OPTIONS.map(({ name }) => name).filter((name) => written[name] !== undefined)),
    origins: Object.fromEntries(Object.entries(written).map(([name, { said }]) => [name, said])),
  };
}

/** For programs that only talk to a server: a misspelt SHOAL_URL would send the mail to another one. */
export function refuseUnknownVariables(env: Environment): void {
  fromEnvironment(env);
}

function fromEnvironment(env: Environment): WrittenOptions {
  const written: Partial<Record<OptionName, Written>> = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('SHOAL_') || value === undefined) continue;
    const option = OPTIONS.find((known) => known.env === variable);
    if (option !== undefined) written[option.name] = { value, said: variable };
    else if (!isKnown(variable, value))
      throw unknownName(variable, variable, {
        later: LATER_VARIABLES,
        known: [...OPTIONS.map(({ env: name }) => name), ...CLIENT_VARIABLES],
      });
  }
  return written;
}

function isKnown(variable: string, value: string): boolean {
  return CLIENT_VARIABLES.includes(variable) || isHarmlessLater(LATER_VARIABLES, variable, value) || isServiceLink(variable, value);
}

/** Kubernetes puts these into every pod beside a service called `shoal` or `shoal-...`; they are nobody's options. */
function isServiceLink(variable: string, value: string): boolean {
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(variable) || /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(variable)) return true;
  return variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value);
}

function fromFlags(flags: Readonly<Partial<Record<OptionName, string>>>): WrittenOptions {
  const written: Partial<Record<OptionName, Written>> = {};
  for (const { name, flag, env } of OPTIONS) {
    const value = flags[name];
    if (value === undefined || flag === undefined) continue;
    // Arguments are visible to every user of the machine (security G2).
    if (name === 'transport' && /^[^/]*\/\/[^/]*@/.test(value) && /:[^/]*@/.test(value.replace(/^[^/]*\/\//, '')))
      throw new ShoalError(
        'bad_config',
        `${flag} holds a password, and other users of this machine can read command lines; set ${env} or shoal.config instead`,
      );
    written[name] = { value, said: flag };
  }
  return written;
}
