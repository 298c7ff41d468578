import type { Caps } from './caps.ts';
import type { InboxId, SenderId, TenantId } from './ids.ts';
import type { RecipientPolicy } from './policy.ts';

/** An address an agent owns. Deleting is soft: it stays readable and can no longer send. */
export interface Inbox {
  readonly id: InboxId;
  readonly tenant: TenantId;
  readonly localPart: string;
  readonly domain: string;
  readonly displayName?: string;
  readonly sender: SenderId;
  readonly isActive: boolean;
  /** Of all that is handed in for it, by whichever token; absent: none. */
  readonly caps?: Caps;
  /** Absent: anybody may be written to. */
  readonly policy?: RecipientPolicy;
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
