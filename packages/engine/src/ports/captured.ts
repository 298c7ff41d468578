import type { MessageId } from '../model/ids.ts';

/** What the capture transport kept instead of sending it. */
export interface CapturedMail {
  readonly messageId: MessageId;
  /** Epoch ms, this machine's calendar. */
  readonly at: number;
  readonly to: readonly string[];
  readonly sizeBytes: number;
}

export interface Captured {
  /** Newest first. */
  list(max: number): Promise<readonly CapturedMail[]>;
  raw(id: MessageId): Promise<Uint8Array | undefined>;
}
