import { type InboxRecord, Shoal, ShoalError } from '@shoal/sdk';
import type { JsonFlag } from './command-table.ts';
import { EXIT } from './exit.ts';
import { entry, listing } from './print.ts';
import type { Terminal } from './terminal.ts';

export async function listInboxes(terminal: Terminal, flags: JsonFlag): Promise<number> {
  const inboxes = (await (await Shoal.create()).inboxes()).map(recordOf);
  if (flags.json === true) terminal.printJson({ inboxes });
  else
    terminal.print(
      listing(
        inboxes.map((inbox) => inboxText(inbox, terminal.columns)),
        'No inboxes; `shoal inbox create` opens one.',
      ),
    );
  return EXIT.ok;
}

export interface CreateInboxFlags extends JsonFlag {
  readonly name?: string;
  readonly org?: string;
  readonly displayName?: string;
  readonly sender?: string;
}

export async function createInbox(terminal: Terminal, localPart: string | undefined, flags: CreateInboxFlags): Promise<number> {
  const isByName = flags.name !== undefined || flags.org !== undefined;
  if (isByName && (localPart !== undefined || flags.sender !== undefined))
    throw new ShoalError({
      code: 'bad_option',
      message: '--name and --org find an address by themselves, and stand beside no local part and no --sender',
      hint: 'Write `shoal inbox create billing-bot`, or `shoal inbox create --name "Billing Bot"`.',
    });
  const mail = await Shoal.create();
  const { name, org, displayName, sender } = flags;
  const shown = displayName === undefined ? {} : { displayName };
  const inbox = recordOf(
    await (isByName
      ? mail.createSmartInbox({ ...(name !== undefined && { name }), ...(org !== undefined && { org }), ...shown })
      : mail.createInbox({ ...(localPart !== undefined && { localPart }), ...(sender !== undefined && { sender }), ...shown })),
  );
  if (flags.json === true) terminal.printJson(inbox);
  else terminal.print(inboxText(inbox, terminal.columns));
  return EXIT.ok;
}

export async function showInbox(terminal: Terminal, name: string, flags: JsonFlag): Promise<number> {
  const inbox = recordOf(await (await Shoal.create()).inbox(name));
  if (flags.json === true) terminal.printJson(inbox);
  else terminal.print(inboxText(inbox, terminal.columns));
  return EXIT.ok;
}

export async function deleteInbox(terminal: Terminal, name: string, flags: JsonFlag): Promise<number> {
  const inbox = await (await Shoal.create()).inbox(name);
  await inbox.delete();
  if (flags.json === true) terminal.printJson({ deleted: inbox.id, address: inbox.address });
  else terminal.say(`${inbox.address} (${inbox.id}) is ended: it stays readable and sends no more.`);
  return EXIT.ok;
}

function recordOf({ id, address, localPart, domain, displayName, isActive, createdAt }: InboxRecord): InboxRecord {
  return { id, address, localPart, domain, displayName, isActive, createdAt };
}

function inboxText({ id, address, displayName, isActive, createdAt }: InboxRecord, columns: number): string {
  return entry([address, isActive ? null : 'ended'], { id, name: displayName, created: createdAt }, columns);
}
