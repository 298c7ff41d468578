import { type HoldRecord, Shoal, type SwitchRecord } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { entry } from './print.ts';
import type { Terminal } from './terminal.ts';
import { prose } from './text-width.ts';

export interface SwitchFlags {
  readonly note?: string;
  readonly json?: boolean;
}

const DONE = {
  stop: 'stopped: new mail is refused, and what is queued stays where it is; `shoal start` lets it go on',
  start: 'started: mail is taken and sent again',
  pause: 'paused: new mail is accepted and waits; `shoal resume` lets it go',
  resume: 'resumed: its mail goes on',
} as const;
/** A token holds no mail, so nothing of what it handed in stays. */
const TOKEN_STOPPED = 'stopped: new mail of it is refused; what it handed in before goes on';

/** Stops, starts, pauses or resumes what is named; without a name the account of this token. */
export async function throwSwitch(
  terminal: Terminal,
  act: keyof typeof DONE,
  what: string | undefined,
  flags: SwitchFlags,
): Promise<number> {
  const mail = await Shoal.create();
  const done = await thrown(mail, act, what, flags.note === undefined ? {} : { note: flags.note });
  if (flags.json === true) terminal.printJson({ ...done, done: act });
  else terminal.print(switchText(done, act, terminal.columns));
  return EXIT.ok;
}

function thrown(mail: Shoal, act: keyof typeof DONE, what: string | undefined, options: { readonly note?: string }): Promise<SwitchRecord> {
  switch (act) {
    case 'stop':
      return mail.stop(what, options);
    case 'start':
      return mail.start(what);
    case 'pause':
      return mail.pause(what ?? '', options);
    case 'resume':
      return mail.resume(what ?? '');
    default:
      return act satisfies never;
  }
}

/** What was thrown, and whatever still holds it back. */
export function switchText({ id, holds }: SwitchRecord, act: keyof typeof DONE, columns: number): string {
  const done = act === 'stop' && id.startsWith('tok_') ? TOKEN_STOPPED : DONE[act];
  return [prose(`${nounOf(id)} ${id} is ${done}.`, columns), ...holds.map((hold) => holdText(hold, columns))].join('\n');
}

function nounOf(id: string): string {
  if (id.startsWith('acct_')) return 'Account';
  return id.startsWith('tok_') ? 'Token' : 'Inbox';
}

function holdText({ why, note, since, until }: HoldRecord, columns: number): string {
  return entry([`held: ${why}`], { note, since, until }, columns);
}
