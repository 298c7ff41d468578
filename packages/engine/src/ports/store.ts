import type { Caps } from '../model/caps.ts';
import type { InboxId, MessageId, TenantId, TokenId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import type { Message } from '../model/message.ts';
import type { RecipientPolicy } from '../model/policy.ts';
import type { Tenant, TokenRecord } from '../model/tenant.ts';

/** What an operator sets; an absent field stays as it is. */
export interface BoundsChange {
  readonly caps?: Caps;
  readonly policy?: RecipientPolicy;
}

/** What is named has to hold. */
export interface MessageFilter {
  readonly inboxes?: readonly InboxId[];
  /** A recipient (to, cc or bcc), and who it is from: bare addresses, letter case set aside. */
  readonly to?: string;
  readonly from?: string;
  /** Part of the subject; letter case of ASCII is set aside. */
  readonly subject?: string;
  /** Made at this time or later, and before this one; epoch ms. */
  readonly since?: number;
  readonly until?: number;
}
export interface MessageQuery extends MessageFilter {
  readonly tenant: TenantId;
  /** 1 to PAGE_MAX. */
  readonly max: number;
  readonly cursor?: string;
}

/** What an account has and did. */
export interface Usage {
  /** Active ones. */
  readonly inboxes: number;
  readonly emailsToday: number;
  readonly emailsThisMonth: number;
}

/**
 * Tenants, tokens, inboxes and messages. Every question carries the tenant, and a foreign id looks like a missing one
 * (security T1); those without a tenant are for operators. Messages come in through `ports/acceptance.ts`, together with their jobs.
 */
export interface Store {
  readonly capabilities: { readonly description: string };
  addTenant(tenant: Tenant, token: TokenRecord): Promise<void>;
  hasTenant(id: TenantId): Promise<boolean>;
  addToken(token: TokenRecord): Promise<void>;
  findToken(hash: string): Promise<TokenRecord | undefined>;
  /** Without `tenant`: of all of them, for operators. */
  getToken(id: TokenId, tenant?: TenantId): Promise<TokenRecord | undefined>;
  /** Newest first; without `tenant`: of all of them, for operators. */
  listTokens(query: {
    readonly tenant?: TenantId;
    readonly max: number;
    readonly cursor?: string;
  }): Promise<{ readonly tokens: readonly TokenRecord[]; readonly cursor?: string }>;
  /** False when there is no such token. From now on `findToken` does not find it, in any process. */
  removeToken(id: TokenId): Promise<boolean>;
  noteTokenUse(id: TokenId, at: number): Promise<void>;
  changeToken(id: TokenId, change: BoundsChange & { readonly isStopped?: boolean }): Promise<void>;
  /** False when the mailbox (dots and letter case set aside) is taken on that domain; one atomic act. */
  addInbox(inbox: Inbox): Promise<boolean>;
  getInbox(tenant: TenantId, id: InboxId): Promise<Inbox | undefined>;
  findInbox(tenant: TenantId, address: string): Promise<Inbox | undefined>;
  /** By id or address, whoever owns it: for operators. */
  findAnyInbox(reference: string): Promise<Inbox | undefined>;
  changeInbox(id: InboxId, change: BoundsChange): Promise<void>;
  /** Has this address written to the inbox? Nothing is received in this version, so nobody has. */
  hasReceivedFrom(inbox: InboxId, address: string): Promise<boolean>;
  listInboxes(query: {
    readonly tenant: TenantId;
    readonly max?: number;
    readonly cursor?: string;
    readonly onlyActive: boolean;
    /** Only these. */
    readonly inboxes?: readonly InboxId[];
  }): Promise<{ readonly inboxes: readonly Inbox[]; readonly cursor?: string }>;
  /** False when there is no such inbox. Repeating it changes nothing. */
  deactivateInbox(tenant: TenantId, id: InboxId): Promise<boolean>;
  getMessage(tenant: TenantId, id: MessageId): Promise<Message | undefined>;
  getMessages(tenant: TenantId, ids: readonly MessageId[]): Promise<(Message | undefined)[]>;
  /** Newest first; of `text` the first `PREVIEW_CHARACTERS`, and no `html`. A page may hold fewer than `max`, or none, although more follow. */
  listMessages(query: MessageQuery): Promise<{ readonly messages: readonly Message[]; readonly cursor?: string }>;
  /** Counted from the begin of the day and of the month; epoch ms. */
  usage(tenant: TenantId, since: { readonly day: number; readonly month: number }): Promise<Usage>;
  /** A secret of this installation, made once by `make` and the same ever after, in every process. */
  secret(name: string, make: () => Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
