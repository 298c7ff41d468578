/**
 * What SMTP needs to carry a message: who it is from and to whom it goes. Built by us from checked values, never read from
 * the headers (docs/reference/security: S7). `to` holds To, Cc and Bcc alike.
 */
export interface Envelope {
  /** The return path, a checked mailbox. */
  readonly from: string;
  /** One to `RECIPIENTS_MAX` checked mailboxes, each once. */
  readonly to: readonly string[];
  /** The next hop must offer SMTPUTF8 (RFC 6531): a local part has non-ASCII characters. */
  readonly smtpUtf8: boolean;
  /** The bytes hold octets above 127, so the next hop must offer 8BITMIME (RFC 6152). */
  readonly eightBit: boolean;
}
