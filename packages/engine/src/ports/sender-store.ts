import type { InboxId, SenderId, TenantId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import type { SenderSettings } from '../model/sender.ts';

/** A sender made over the API, as it is stored. */
export interface SenderRecord {
  readonly id: SenderId;
  /** Sealed by `ports/vault.ts`. */
  readonly transport: Uint8Array;
  readonly settings: SenderSettings;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Senders made over the API, and which inbox sends with which. Each change is one atomic act. */
export interface SenderStore {
  /** False when there is one of this name. */
  addSender(record: SenderRecord): Promise<boolean>;
  getSender(id: SenderId): Promise<SenderRecord | undefined>;
  /** By name. */
  listSenders(): Promise<readonly SenderRecord[]>;
  /** False when there is none of this name. */
  changeSender(record: SenderRecord): Promise<boolean>;
  /** With `moveTo`, its inboxes go there in the same act; without, active ones keep it. */
  removeSender(id: SenderId, options: { readonly moveTo?: SenderId }): Promise<SenderRemoved>;
  /** Grows with each change of a sender, by any process. */
  sendersRevision(): Promise<number>;
  /** False when there is no such inbox. */
  setInboxSender(tenant: TenantId, inbox: InboxId, sender: SenderId): Promise<boolean>;
}

export type SenderRemoved =
  | { readonly kind: 'removed'; readonly movedInboxes: number }
  | { readonly kind: 'missing' }
  /** At most ten of them, and how many there are. */
  | { readonly kind: 'in_use'; readonly inboxes: readonly Inbox[]; readonly count: number };
