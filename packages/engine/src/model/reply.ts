/** What a transport saw of one attempt: facts only. `send/classify.ts` alone says what they mean. */

/** How far an attempt had come. `dot` is the wait for the reply to the final dot: the only phase after the commit. */
export type Phase = 'connect' | 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'body' | 'dot';

/** One SMTP reply (RFC 5321 section 4.2), or an HTTP provider's answer in the same shape. */
export interface Reply {
  /** 200 to 599. */
  readonly code: number;
  /** RFC 3463, such as `4.7.1`; absent when the server gave none. */
  readonly enhanced?: string;
  /** All lines joined by a space, at most `REPLY_TEXT_BYTES_MAX`, control characters removed: foreign text, never markup. */
  readonly text: string;
}

export interface RecipientReply {
  readonly address: string;
  readonly reply: Reply;
}

/** Facts of the connection, kept with the attempt. */
export interface ConnectionFacts {
  /** `host:port`, as configured; never a password. */
  readonly peer: string;
  /** `none`, or the protocol version such as `TLSv1.3`. */
  readonly tls: string;
  /** The connection had carried a message before. */
  readonly isReused: boolean;
  /** From the call to its end. */
  readonly durationMs: number;
}

/** `malformed`: the server's words. `missing`: an extension the message needs and the server does not offer (SMTPUTF8, 8BITMIME, SIZE). `unsendable`: our own bytes or envelope, before anything was written. */
export type FailureCause = 'refused' | 'timeout' | 'cut' | 'dns' | 'tls' | 'malformed' | 'missing' | 'unsendable';

export type Report =
  /** The server took the message for `accepted`; `refused` were turned down at RCPT and got no copy. */
  | {
      readonly kind: 'accepted';
      readonly reply: Reply;
      readonly accepted: readonly RecipientReply[];
      readonly refused: readonly RecipientReply[];
      readonly facts: ConnectionFacts;
    }
  /** A definite no: nothing was taken. For phase `rcpt`, `refused` holds every recipient's reply. */
  | {
      readonly kind: 'refused';
      readonly phase: Phase;
      readonly reply: Reply;
      readonly refused: readonly RecipientReply[];
      readonly facts: ConnectionFacts;
    }
  /** No usable reply, and the final dot was not written: nothing was taken, trying again is safe. */
  | {
      readonly kind: 'failed';
      readonly phase: Phase;
      readonly cause: FailureCause;
      readonly detail: string;
      readonly facts: ConnectionFacts;
    }
  /** The final dot may have been taken and no reply was seen. */
  | { readonly kind: 'unknown'; readonly cause: 'cut' | 'timeout' | 'malformed'; readonly detail: string; readonly facts: ConnectionFacts }
  /** The commit was refused, so the dot was not written. */
  | { readonly kind: 'withheld'; readonly facts: ConnectionFacts }
  /** The signal fired before the commit; the dot was not written. */
  | { readonly kind: 'aborted'; readonly phase: Phase; readonly facts: ConnectionFacts };
