import { type EmailFilter, Shoal } from '@shoal/sdk';
import type { JsonFlag } from './command-table.ts';
import { EXIT } from './exit.ts';
import { type PeriodFlags, periodOf } from './moment.ts';
import { brief, listing } from './print.ts';
import { moreText, someOf } from './some-of.ts';
import type { Terminal } from './terminal.ts';

export interface EmailFlags extends PeriodFlags, JsonFlag {
  /** As written; the server says which there are. */
  readonly status?: readonly string[];
  readonly inbox?: string;
  readonly to?: string;
  readonly limit?: string;
}

export async function listEmails(terminal: Terminal, flags: EmailFlags): Promise<number> {
  const filter = {
    ...(flags.status !== undefined && { status: flags.status as NonNullable<EmailFilter['status']> }),
    ...(flags.to !== undefined && { to: flags.to }),
    ...periodOf(flags),
  };
  const mail = await Shoal.create();
  const inbox = flags.inbox?.includes('@') === true ? (await mail.inbox(flags.inbox)).id : flags.inbox;
  const { items, hasMore } = await someOf(mail.emails({ ...filter, ...(inbox !== undefined && { inbox }) }), flags.limit);
  if (flags.json === true) terminal.printJson({ emails: items, hasMore });
  else
    terminal.print(
      listing(
        items.map(({ id, status, subject, from, to, createdAt }) =>
          brief([id, status, subject], { at: createdAt, from, to: to.join(', ') }, terminal.columns),
        ),
        'No emails.',
      ) + moreText(hasMore),
    );
  return EXIT.ok;
}

export async function cancelEmail(terminal: Terminal, id: string, flags: JsonFlag): Promise<number> {
  const email = await (await Shoal.create()).email(id);
  await email.cancel();
  if (flags.json === true) terminal.printJson({ id, status: email.status });
  else terminal.say(`${id} is ${email.status}: it will not be sent.`);
  return EXIT.ok;
}
