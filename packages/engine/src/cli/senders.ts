import { type Allowance, type SenderLimits, type SenderRecord, type SenderSettings, Shoal, ShoalError } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { counted, entry, listing } from './print.ts';
import { duration } from './queue.ts';
import type { Terminal } from './terminal.ts';

interface JsonFlag {
  readonly json?: boolean;
}
export interface SenderFlags extends JsonFlag {
  readonly transport?: string;
  readonly preset?: readonly string[];
  readonly limit?: readonly string[];
  readonly headroom?: string;
}

export async function listSenders(terminal: Terminal, flags: JsonFlag): Promise<number> {
  const senders = await (await Shoal.create()).senders.list();
  if (flags.json === true) terminal.printJson({ senders });
  else
    terminal.print(
      listing(
        senders.map((sender) => senderText(sender, terminal.columns)),
        'There are no senders.',
      ),
    );
  return EXIT.ok;
}

export async function showSender(terminal: Terminal, name: string, flags: JsonFlag): Promise<number> {
  return shown(terminal, await (await Shoal.create()).senders.get(name), flags);
}

export async function addSender(terminal: Terminal, name: string, flags: SenderFlags): Promise<number> {
  const { transport, ...settings } = await settingsIn(terminal, flags);
  if (transport === undefined)
    throw badFlag(
      '--transport is missing',
      'Give --transport smtp://HOST:PORT, or --transport - to read a URL with a password from standard input.',
    );
  return shown(terminal, await (await Shoal.create()).senders.add(name, { ...settings, transport }), flags);
}

export async function changeSender(terminal: Terminal, name: string, flags: SenderFlags): Promise<number> {
  const settings = await settingsIn(terminal, flags);
  if (Object.keys(settings).length === 0) throw badFlag('there is nothing to change', 'Give --transport, --preset, --limit or --headroom.');
  return shown(terminal, await (await Shoal.create()).senders.change(name, settings), flags);
}

export async function pauseSender(terminal: Terminal, name: string, flags: JsonFlag & { readonly note?: string }): Promise<number> {
  return shown(terminal, await (await Shoal.create()).senders.pause(name, flags.note === undefined ? {} : { note: flags.note }), flags);
}

export async function resumeSender(terminal: Terminal, name: string, flags: JsonFlag): Promise<number> {
  return shown(terminal, await (await Shoal.create()).senders.resume(name), flags);
}

export async function removeSender(terminal: Terminal, name: string, flags: JsonFlag & { readonly moveTo?: string }): Promise<number> {
  const { movedInboxes } = await (await Shoal.create()).senders.remove(name, flags.moveTo === undefined ? {} : { moveTo: flags.moveTo });
  if (flags.json === true) terminal.printJson({ removed: name, movedInboxes });
  else
    terminal.say(
      `sender ${name} is gone${flags.moveTo === undefined ? '' : `; ${counted(movedInboxes, 'inbox', 'inboxes')} will send with ${flags.moveTo}`}.`,
    );
  return EXIT.ok;
}

function shown(terminal: Terminal, sender: SenderRecord, flags: JsonFlag): number {
  if (flags.json === true) terminal.printJson(sender);
  else terminal.print(senderText(sender, terminal.columns));
  return EXIT.ok;
}

/** A sender with its limits and what holds it back, a fact a line. */
export function senderText(sender: SenderRecord, columns: number): string {
  const { name, origin, transport, presets, holds, gate, backlog, forecast } = sender;
  const held = holds.map(({ why, note, until }) => `${why}${until === null ? '' : ` until ${until}`}: ${note}`);
  const waits = held.length > 0 || forecast.waiting === null ? undefined : forecast.waiting.because;
  return entry(
    [`sender ${name}`, origin === 'config' ? 'of the configuration' : null, `${backlog.ready} ready`, `${backlog.underWay} under way`],
    {
      transport,
      preset: presets.join(', '),
      ...numbered('limit', sender.allowances.map(limitText)),
      ...numbered('held', held),
      slowed: gate === null ? null : `${gate.why ?? 'slowed'}: ${gate.note ?? ''}`,
      waits,
      next: forecast.nextAt,
      done: forecast.doneAt,
      full: forecast.fullAt,
    },
    columns,
  );
}

function limitText({ unit, max, windowSeconds, used }: Allowance): string {
  return `${used} of ${max} ${unit} in ${duration(windowSeconds * 1_000)}`;
}

function numbered(name: string, values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map((value, index) => [index === 0 ? name : `${name} ${index + 1}`, value]));
}

async function settingsIn(terminal: Terminal, { transport, preset, limit, headroom }: SenderFlags): Promise<SenderSettings> {
  return {
    ...(transport !== undefined && { transport: await transportIn(terminal, transport) }),
    ...(preset !== undefined && { preset: preset.length === 1 ? (preset[0] ?? '') : preset }),
    ...(limit !== undefined && { limits: limitsIn(limit) }),
    ...(headroom !== undefined && { headroom: numberIn('--headroom', headroom) }),
  };
}

/** Arguments are visible to every user of the machine (security G2). */
export async function transportIn(terminal: Terminal, written: string): Promise<string> {
  if (written === '-') {
    const url = (await terminal.input()).trim();
    if (url === '')
      throw badFlag('standard input was empty, and --transport - reads a URL from it', 'Pipe the URL in, for example from a file.');
    return url;
  }
  if (/\/\/[^/]*:[^/]*@/.test(written))
    throw badFlag(
      '--transport holds a password, and other users of this machine can read command lines',
      'Give --transport - and write the URL to standard input.',
    );
  return written;
}

/**
 * `perDay=500` counts messages, `perDay.recipients=500` something else; `none` takes all of them away. The server knows which
 * names there are.
 */
function limitsIn(written: readonly string[]): SenderLimits {
  if (written.length === 1 && written[0] === 'none') return {};
  const limits: Record<string, unknown> = {};
  for (const text of written) {
    const [, name = '', unit, value = ''] = /^([A-Za-z]+)(?:\.([A-Za-z]+))?=(\S+)$/.exec(text) ?? [];
    if (name === '')
      throw badFlag(
        `--limit ${text} is not a limit`,
        'Write for example perDay=500, perHour.recipients=100 or connections=3; none takes all of them away.',
      );
    const count = numberIn(`--limit ${name}`, value);
    const before = limits[name];
    const others = typeof before === 'number' ? { messages: before } : ((before as object | undefined) ?? {});
    limits[name] = unit === undefined && before === undefined ? count : { ...others, [unit ?? 'messages']: count };
  }
  return limits;
}

function numberIn(flag: string, text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value))
    throw badFlag(`${flag} takes a number, got ${JSON.stringify(text)}`, 'Write digits, with a point for a fraction: 500 or 0.8.');
  return value;
}

function badFlag(message: string, hint: string): ShoalError {
  return new ShoalError({ code: 'bad_option', message, hint });
}
