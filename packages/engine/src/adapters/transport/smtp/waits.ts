import { CONNECT_MS_MAX, DOT_REPLY_MS_MAX, REPLY_MS_MAX } from '../../../model/limits.ts';

/** How long each phase may take, in ms. Only `dotReplyMs` makes doubt when it is too short; the others cost a retry. */
export interface SmtpWaits {
  /** Name look-up and TCP, with TLS where it is implicit. */
  readonly connectMs: number;
  /** Every reply before the final dot, the TLS handshake, and each piece of the body the peer has to take. */
  readonly replyMs: number;
  /** RFC 5321 section 4.5.3.2.6. */
  readonly dotReplyMs: number;
  /** The answer to QUIT; nothing hangs on it. */
  readonly quitMs: number;
  /** No message leaves on a connection older than this: servers end long sessions when it suits them. */
  readonly lifetimeMs: number;
}

export const WAITS: SmtpWaits = {
  connectMs: CONNECT_MS_MAX,
  replyMs: REPLY_MS_MAX,
  dotReplyMs: DOT_REPLY_MS_MAX,
  quitMs: 5_000,
  lifetimeMs: 300_000,
};
