import type { Insertable, Selectable } from 'kysely';
import type { Caps } from '../../../model/caps.ts';
import type { InboxId } from '../../../model/ids.ts';
import { type Inbox, mailboxKey } from '../../../model/inbox.ts';
import type { Attachment, Message } from '../../../model/message.ts';
import type { RecipientPolicy } from '../../../model/policy.ts';
import type { TokenRecord, TokenScope } from '../../../model/tenant.ts';
import type { BoundsChange } from '../../../ports/store.ts';
import type { InboxTable, MessageTable, TokenTable } from './tables.ts';

/** Rows to nouns and back, in one place. */

export function rowOfToken(token: TokenRecord): Insertable<TokenTable> {
  return {
    id: token.id,
    hash: token.hash,
    tenant: token.tenant,
    role: token.role,
    created_at: token.createdAt,
    is_stopped: token.isStopped ? 1 : 0,
    scopes: JSON.stringify(token.scopes),
    inboxes: token.inboxes === undefined ? null : JSON.stringify(token.inboxes),
    expires_at: token.expiresAt ?? null,
    last_used_at: token.lastUsedAt ?? null,
    caps: null,
    policy: null,
    ...rowOfBounds(token),
  };
}

export function tokenOf(row: Selectable<TokenTable>): TokenRecord {
  return {
    id: row.id,
    hash: row.hash,
    tenant: row.tenant,
    role: row.role,
    createdAt: row.created_at,
    isStopped: row.is_stopped === 1,
    scopes: JSON.parse(row.scopes) as TokenScope[],
    ...(row.inboxes === null ? {} : { inboxes: JSON.parse(row.inboxes) as InboxId[] }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
    ...boundsOf(row),
  };
}

interface BoundsRow {
  readonly caps: string | null;
  readonly policy: string | null;
}

/** Only the columns of what is given. */
export function rowOfBounds({ caps, policy }: BoundsChange): Partial<BoundsRow> {
  return {
    ...(caps === undefined ? {} : { caps: JSON.stringify(caps) }),
    ...(policy === undefined ? {} : { policy: JSON.stringify(policy) }),
  };
}

function boundsOf({ caps, policy }: BoundsRow): BoundsChange {
  return {
    ...(caps === null ? {} : { caps: JSON.parse(caps) as Caps }),
    ...(policy === null ? {} : { policy: JSON.parse(policy) as RecipientPolicy }),
  };
}

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
    caps: null,
    policy: null,
    ...rowOfBounds(inbox),
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
    ...boundsOf(row),
  };
}

/** What an address is looked up by; undefined when it has not exactly one `@`, or a NUL, behind which SQLite's driver reads nothing. */
export function mailboxOf(address: string): { readonly mailbox: string; readonly domain: string } | undefined {
  const [localPart, domain, ...rest] = address.split('@');
  if (localPart === undefined || domain === undefined || rest.length > 0 || address.includes('\0')) return undefined;
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
    headers: message.headers === undefined ? null : JSON.stringify(message.headers),
    attachments: message.attachments === undefined ? null : JSON.stringify(message.attachments),
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
    ...(row.headers === null ? {} : { headers: JSON.parse(row.headers) as Record<string, string> }),
    ...(row.attachments === null ? {} : { attachments: JSON.parse(row.attachments) as Attachment[] }),
  };
}

function addresses(json: string): readonly string[] {
  return JSON.parse(json) as string[];
}
