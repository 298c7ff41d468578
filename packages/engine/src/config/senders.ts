import type { SenderSettings } from '../model/sender.ts';
import { nearest } from '../model/nearest.ts';
import { checkedName, checkedSettings } from '../model/sender-settings.ts';
import type { SenderConfig } from './schema.ts';

/** How `check.ts` says what is wrong with an option, and reads the URL of a transport. */
export interface SenderChecks {
  readonly said: string;
  readonly bad: (said: string, problem: string) => Error;
  readonly transport: (value: unknown, said: string) => string;
}

const KEYS = ['transport', 'preset', 'limits', 'headroom'] as const;

/**
 * Reads `senders`: an object of senders by name, or the same as JSON text where it comes from the environment. Only
 * `default` may leave its transport out: it has that of the option `transport`.
 */
export function checkSenders(value: unknown, checks: SenderChecks): Readonly<Record<string, SenderConfig>> {
  const { said, bad } = checks;
  const given = typeof value === 'string' ? parsed(value, checks) : value;
  if (!isRecord(given)) throw bad(said, 'must be one object of senders by name, such as { bulk: { transport: "smtp://127.0.0.1:2525" } }');
  return Object.fromEntries(Object.entries(given).map(([name, sender]) => [name, checkSender(name, sender, checks)]));
}

function checkSender(name: string, value: unknown, { said, bad, transport }: SenderChecks): SenderConfig {
  checkedName(name, (_, problem) => bad(said, `has a sender whose name ${problem}`));
  const place = `${said}.${name}`;
  if (!isRecord(value)) throw bad(place, 'must be one object such as { transport: "smtp://127.0.0.1:2525", preset: "generic" }');
  for (const key of Object.keys(value)) {
    if (KEYS.some((known) => known === key)) continue;
    const near = nearest(key, KEYS);
    throw bad(`${place}.${key}`, `is not an option; ${near === undefined ? `a sender has ${KEYS.join(', ')}` : `did you mean ${near}?`}`);
  }
  if (value['transport'] === undefined && name !== 'default')
    throw bad(place, 'has no transport: say how its mail leaves, such as smtp://127.0.0.1:2525');
  const settings: SenderSettings = checkedSettings(value, (at, problem) => bad(`${place}.${at}`, problem));
  return { ...(value['transport'] !== undefined && { transport: transport(value['transport'], `${place}.transport`) }), ...settings };
}

function parsed(text: string, { said, bad }: SenderChecks): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(said, 'is not JSON; write {"NAME":{"transport":"URL"}}'); // the parser's own words quote what may be a password
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
