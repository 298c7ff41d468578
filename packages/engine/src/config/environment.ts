import { OPTIONS, type OptionName } from './options.ts';
import type { Config, HostPort } from './schema.ts';

/**
 * A configuration as the environment of another process of the same engine; passwords go this way, never on a command line
 * (security G2). A policy function can't: that process reads the configuration file again, and finds it there.
 */
export function environmentOf(config: Config): Record<string, string> {
  const said = OPTIONS.filter(({ name }) => config[name] !== undefined && !(name === 'retry' && config.retry.policy !== undefined));
  return Object.fromEntries(said.map(({ env, name }) => [env, asText(name, config)]));
}

function asText(name: OptionName, config: Config): string {
  const value = config[name];
  if (name === 'senders') return JSON.stringify(value);
  if (name === 'retry') return JSON.stringify(config.retry.classes);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  if (typeof value !== 'object') return String(value);
  const { host, port } = value as HostPort;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
