import { OPTIONS } from './options.ts';
import type { Config } from './schema.ts';

/** A configuration as the environment of another process of the same engine; passwords go this way, never on a command line (security G2). */
export function environmentOf(config: Config): Record<string, string> {
  return Object.fromEntries(OPTIONS.map(({ env, name }) => [env, asText(config[name])]));
}

function asText(value: Config[keyof Config]): string {
  return typeof value === 'object' ? `${value.host}:${value.port}` : String(value);
}
