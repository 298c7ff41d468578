import { Shoal, ShoalError } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { reviewListing } from './print.ts';
import type { Terminal } from './terminal.ts';

export async function listDoubts(terminal: Terminal, flags: { readonly json?: boolean }): Promise<number> {
  const jobs = await (await Shoal.create()).doubts();
  if (flags.json === true) terminal.printJson({ doubts: jobs });
  else terminal.print(reviewListing(jobs, terminal.columns, 'Nothing is in doubt.'));
  return EXIT.ok;
}

export interface ResolveFlags {
  readonly sent?: boolean;
  readonly resend?: boolean;
  readonly dead?: boolean;
  readonly note?: string;
  readonly json?: boolean;
}

const VERDICTS = {
  sent: 'counts as sent',
  resend: 'is sent once more, with the same bytes and the same Message-ID',
  dead: 'is given up',
} as const;

export async function resolveDoubt(terminal: Terminal, id: string, flags: ResolveFlags): Promise<number> {
  const chosen = (['sent', 'resend', 'dead'] as const).filter((verdict) => flags[verdict] === true);
  const [verdict] = chosen;
  if (verdict === undefined || chosen.length > 1)
    throw new ShoalError({
      code: 'bad_option',
      message: 'say one of --sent, --resend, --dead',
      hint: '--sent: it did arrive. --resend: send it once more. --dead: give it up.',
    });
  await (await Shoal.create()).resolveDoubt(id, verdict, flags.note === undefined ? {} : { note: flags.note });
  if (flags.json === true) terminal.printJson({ resolved: id, verdict });
  else terminal.say(`${id} ${VERDICTS[verdict]}.`);
  return EXIT.ok;
}
