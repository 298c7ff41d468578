import type { Caps } from './caps.ts';
import type { InboxId, TenantId, TokenId } from './ids.ts';
import type { RecipientPolicy } from './policy.ts';

/** Who owns inboxes and tokens. */
export interface Tenant {
  readonly id: TenantId;
  /** Epoch ms. */
  readonly createdAt: number;
}

/**
 * `agent`: its own mail, and it may make its own bounds narrower (stop, pause). `operator`: senders, caps, policies, and every
 * tenant's kill switch; what widens a bound needs it, since an agent may be talked into anything (security P7).
 */
export type Role = 'operator' | 'agent';

/** `read`: look. `send`: hand in mail, and take back what has not gone. `manage`: change what is there. One says nothing of another. */
export const TOKEN_SCOPES = ['read', 'send', 'manage'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** A bearer token as it is stored: its hash only. The token itself is shown once, when it is made. */
export interface TokenRecord {
  readonly id: TokenId;
  /** SHA-256 of the token, in hex. */
  readonly hash: string;
  readonly tenant: TenantId;
  readonly role: Role;
  readonly scopes: readonly TokenScope[];
  /** The only inboxes it reaches; absent: all of its account. */
  readonly inboxes?: readonly InboxId[];
  readonly createdAt: number;
  /** Epoch ms of the calendar; from then on it is no token. Absent: never. */
  readonly expiresAt?: number;
  /** To about a minute; absent: never yet. */
  readonly lastUsedAt?: number;
  /** Nothing more is sent by it; it still reads. */
  readonly isStopped: boolean;
  /** Of all that it hands in, for whichever inbox; absent: none. */
  readonly caps?: Caps;
  /** Absent: anybody may be written to. */
  readonly policy?: RecipientPolicy;
}
