import type { InboxId, SenderId, TenantId } from './ids.ts';

/** An address an agent owns. Deleting is soft: it stays readable and can no longer send. */
export interface Inbox {
  readonly id: InboxId;
  readonly tenant: TenantId;
  readonly localPart: string;
  readonly domain: string;
  readonly displayName?: string;
  readonly sender: SenderId;
  readonly isActive: boolean;
  /** Epoch ms. */
  readonly createdAt: number;
}

export function addressOf(inbox: { readonly localPart: string; readonly domain: string }): string {
  return `${inbox.localPart}@${inbox.domain}`;
}

/**
 * What makes two local parts one mailbox: letter case and dots are cosmetic.
 *
 * @example mailboxKey('Sarah.Shield') // 'sarahshield'
 */
export function mailboxKey(localPart: string): string {
  return localPart.toLowerCase().replaceAll('.', '');
}
