import type { Generated } from 'kysely';
import type { InboxId, MessageId, SenderId, TenantId, TokenId } from '../../../model/ids.ts';
import type { DoubtPolicy } from '../../../model/job.ts';
import type { Role } from '../../../model/tenant.ts';

/** What `migrations.ts` makes, as kysely sees it. Times are epoch ms; lists, caps and policies are JSON. */
export interface Tables {
  readonly tenants: TenantTable;
  readonly tokens: TokenTable;
  readonly inboxes: InboxTable;
  readonly messages: MessageTable;
  readonly secrets: SecretTable;
  /** Not `senders`, which is the ledger's, in the same file. */
  readonly sender_settings: SenderTable;
}

export interface TenantTable {
  readonly id: TenantId;
  readonly created_at: number;
}

export interface TokenTable {
  readonly id: TokenId;
  readonly hash: string;
  readonly tenant: TenantId;
  readonly role: Role;
  readonly created_at: number;
  readonly is_stopped: 0 | 1;
  /** JSON. */
  readonly scopes: string;
  readonly inboxes: string | null;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
  readonly caps: string | null;
  readonly policy: string | null;
}

export interface InboxTable {
  /** Order of insertion; what cursors point at. */
  readonly seq: Generated<number>;
  readonly id: InboxId;
  readonly tenant: TenantId;
  readonly local_part: string;
  readonly domain: string;
  /** What makes two local parts one mailbox; unique on its domain, deleted ones included. */
  readonly mailbox: string;
  readonly display_name: string | null;
  readonly sender: SenderId;
  readonly is_active: 0 | 1;
  readonly created_at: number;
  readonly caps: string | null;
  readonly policy: string | null;
}

export interface MessageTable {
  readonly seq: Generated<number>;
  readonly id: MessageId;
  readonly tenant: TenantId;
  readonly inbox: InboxId;
  readonly message_id_header: string;
  readonly sender_address: string;
  readonly to_addresses: string;
  readonly cc_addresses: string;
  readonly bcc_addresses: string;
  readonly reply_to: string | null;
  readonly subject: string;
  readonly text: string | null;
  readonly html: string | null;
  readonly on_doubt: DoubtPolicy;
  readonly size_bytes: number;
  readonly created_at: number;
  readonly ended: 'sent' | 'canceled' | 'dead' | null;
  /** JSON. */
  readonly headers: string | null;
  readonly attachments: string | null;
}

export interface SenderTable {
  readonly name: SenderId;
  /** Sealed: its URL may hold a password. */
  readonly transport: Uint8Array;
  /** JSON of `SenderSettings`. */
  readonly settings: string;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface SecretTable {
  readonly name: string;
  readonly value: Uint8Array;
}
