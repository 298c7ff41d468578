import type { Insertable, Selectable } from 'kysely';
import { type Inbox, mailboxKey } from '../../../model/inbox.ts';
import type { Message } from '../../../model/message.ts';
import type { InboxTable, MessageTable } from './tables.ts';

/** Rows to nouns and back, in one place. */

export function rowOfInbox(inbox: Inbox): Insertable<InboxTable> {
  return {
    id: inbox.id,
    tenant: inbox.tenant,
    local_part: inbox.localPart,
    domain: inbox.domain,
    mailbox: mailboxKey(inbox.localPart),
    display_name: inbox.displayName ?? null,
    sender: inbox.sender,
    is_active: inbox.isActive ? 1 : 0,
    created_at: inbox.createdAt,
  };
}

export function inboxOf(row: Selectable<InboxTable>): Inbox {
  return {
    id: row.id,
    tenant: row.tenant,
    localPart: row.local_part,
    domain: row.domain,
    ...(row.display_name === null ? {} : { displayName: row.display_name }),
    sender: row.sender,
    isActive: row.is_active === 1,
    createdAt: row.created_at,
  };
}

/** What an address is looked up by; undefined when it has not exactly one `@`. */
export function mailboxOf(address: string): { readonly mailbox: string; readonly domain: string } | undefined {
  const [localPart, domain, ...rest] = address.split('@');
  if (localPart === undefined || domain === undefined || rest.length > 0) return undefined;
  return { mailbox: mailboxKey(localPart), domain: domain.toLowerCase() };
}

export function rowOfMessage(message: Message): Insertable<MessageTable> {
  return {
    id: message.id,
    tenant: message.tenant,
    inbox: message.inbox,
    message_id_header: message.messageIdHeader,
    sender_address: message.from,
    to_addresses: JSON.stringify(message.to),
    cc_addresses: JSON.stringify(message.cc),
    bcc_addresses: JSON.stringify(message.bcc),
    reply_to: message.replyTo ?? null,
    subject: message.subject,
    text: message.text ?? null,
    html: message.html ?? null,
    on_doubt: message.onDoubt,
    size_bytes: message.sizeBytes,
    created_at: message.createdAt,
    ended: message.ended ?? null,
  };
}

export function messageOf(row: Selectable<MessageTable>): Message {
  return {
    id: row.id,
    tenant: row.tenant,
    inbox: row.inbox,
    messageIdHeader: row.message_id_header,
    from: row.sender_address,
    to: addresses(row.to_addresses),
    cc: addresses(row.cc_addresses),
    bcc: addresses(row.bcc_addresses),
    ...(row.reply_to === null ? {} : { replyTo: row.reply_to }),
    subject: row.subject,
    ...(row.text === null ? {} : { text: row.text }),
    ...(row.html === null ? {} : { html: row.html }),
    onDoubt: row.on_doubt,
    sizeBytes: row.size_bytes,
    createdAt: row.created_at,
    ...(row.ended === null ? {} : { ended: row.ended }),
  };
}

function addresses(json: string): readonly string[] {
  return JSON.parse(json) as string[];
}
