import type { InboxId, MessageId, TenantId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import type { Message } from '../model/message.ts';
import type { Tenant, TokenRecord } from '../model/tenant.ts';

/**
 * Tenants, tokens, inboxes and messages. Every question carries the tenant, and a foreign id looks like a missing one
 * (security T1). Messages come in through `ports/acceptance.ts`, together with their jobs.
 */
export interface Store {
  readonly capabilities: { readonly description: string };
  addTenant(tenant: Tenant, token: TokenRecord): Promise<void>;
  findToken(hash: string): Promise<TokenRecord | undefined>;
  /** False when the mailbox (dots and letter case set aside) is taken on that domain; one atomic act. */
  addInbox(inbox: Inbox): Promise<boolean>;
  getInbox(tenant: TenantId, id: InboxId): Promise<Inbox | undefined>;
  findInbox(tenant: TenantId, address: string): Promise<Inbox | undefined>;
  listInboxes(query: {
    readonly tenant: TenantId;
    readonly max?: number;
    readonly cursor?: string;
    readonly onlyActive: boolean;
  }): Promise<{ readonly inboxes: readonly Inbox[]; readonly cursor?: string }>;
  /** False when there is no such inbox. Repeating it changes nothing. */
  deactivateInbox(tenant: TenantId, id: InboxId): Promise<boolean>;
  getMessage(tenant: TenantId, id: MessageId): Promise<Message | undefined>;
  getMessages(tenant: TenantId, ids: readonly MessageId[]): Promise<(Message | undefined)[]>;
  /** Newest first. */
  listMessages(query: {
    readonly tenant: TenantId;
    readonly inbox?: InboxId;
    readonly max: number;
    readonly cursor?: string;
  }): Promise<{ readonly messages: readonly Message[]; readonly cursor?: string }>;
  /** A secret of this installation, made once by `make` and the same ever after, in every process. */
  secret(name: string, make: () => Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
