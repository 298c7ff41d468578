import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ShoalError } from '../model/errors.ts';

const NAMES = ['shoal.config.ts', 'shoal.config.js', 'shoal.config.json'];

export interface ConfigFile {
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads `shoal.config.{ts,js,json}` of a folder; undefined when there is none. A module gives its options as the default
 * export. A `.ts` file is loaded by Node itself, which can from 22.18 on: no compiler is bundled for it.
 */
export async function readConfigFile(folder: string): Promise<ConfigFile | undefined> {
  const there = new Set(await readdir(folder).catch(() => []));
  const found = NAMES.filter((name) => there.has(name));
  const [name] = found;
  if (name === undefined) return undefined;
  if (found.length > 1) throw new ShoalError('bad_config', `there is more than one configuration file: ${found.join(' and ')}; keep one`);
  const values = await (name.endsWith('.json') ? parsed(folder, name) : exported(folder, name));
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new ShoalError('bad_config', `${name} must hold one object of options${name.endsWith('.json') ? '' : ', as its default export'}`);
  return { name, values: { ...values } };
}

async function parsed(folder: string, name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, name), 'utf8'));
  } catch (cause) {
    // The parser's own message quotes the text around the fault, and that may be a password (security G1).
    const why = cause instanceof SyntaxError ? `is not JSON${positionIn(cause)}` : 'cannot be read';
    throw new ShoalError('bad_config', `${name} ${why}`, { cause });
  }
}

function positionIn(fault: SyntaxError): string {
  const place = /line \d+ column \d+|position \d+/.exec(fault.message)?.[0];
  return place === undefined ? '' : ` (${place})`;
}

async function exported(folder: string, name: string): Promise<unknown> {
  try {
    const module: { readonly default?: unknown } = await import(pathToFileURL(join(folder, name)).href);
    return module.default;
  } catch (cause) {
    throw new ShoalError('bad_config', `${name} cannot be loaded: ${reason(cause, name)}`, { cause });
  }
}

function reason(cause: unknown, name: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (name.endsWith('.ts') && (code === 'ERR_UNKNOWN_FILE_EXTENSION' || code === 'ERR_NO_TYPESCRIPT'))
    return `Node ${process.versions.node} does not read TypeScript (22.18 and newer do); use shoal.config.js or shoal.config.json`;
  return cause instanceof Error ? cause.message : 'it threw';
}
