import { OPTIONS, type OptionName } from './options.ts';
import type { Config, HostPort } from './schema.ts';

/** A configuration as the environment of another process of the same engine; passwords go this way, never on a command line (security G2). */
export function environmentOf(config: Config): Record<string, string> {
  return Object.fromEntries(OPTIONS.flatMap(({ env, name }) => (config[name] === undefined ? [] : [[env, asText(name, config[name])]])));
}

function asText(name: OptionName, value: Config[OptionName]): string {
  if (name === 'senders') return JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  if (typeof value !== 'object') return String(value);
  const { host, port } = value as HostPort;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
