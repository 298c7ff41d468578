import type { MessageId } from '../model/ids.ts';

/** What the capture transport kept instead of sending it. */
export interface CapturedMail {
  readonly messageId: MessageId;
  /** Epoch ms, this machine's calendar. */
  readonly at: number;
  readonly to: readonly string[];
  readonly sizeBytes: number;
}

export interface CapturedPage {
  readonly mails: readonly CapturedMail[];
  /** Absent at the end of the list. */
  readonly cursor?: string;
}

export interface Captured {
  /**
   * Newest first. A walk from page to page sees what was there when it began, each mail once, whatever comes meanwhile.
   *
   * @throws RangeError for a cursor that is none of this list
   */
  list(page: { readonly max: number; readonly cursor?: string }): Promise<CapturedPage>;
  raw(id: MessageId): Promise<Uint8Array | undefined>;
}
