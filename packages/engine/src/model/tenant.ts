import type { TenantId } from './ids.ts';

/** Who owns inboxes and tokens. */
export interface Tenant {
  readonly id: TenantId;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** `operator`: may also manage senders and what others may do. `agent`: its own inboxes and mail. */
export type Role = 'operator' | 'agent';

/** A bearer token as it is stored: its hash only. The token itself is shown once, when it is made. */
export interface TokenRecord {
  /** SHA-256 of the token, in hex. */
  readonly hash: string;
  readonly tenant: TenantId;
  readonly role: Role;
  readonly createdAt: number;
}
