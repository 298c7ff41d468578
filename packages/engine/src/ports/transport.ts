import type { Envelope } from '../model/envelope.ts';
import type { JobId, MessageId } from '../model/ids.ts';
import type { Report } from '../model/reply.ts';

/** What a transport is given: an envelope and the finished bytes. */
export interface Parcel {
  readonly jobId: JobId;
  readonly messageId: MessageId;
  readonly envelope: Envelope;
  /** CRLF line ends only, no bare CR or LF, no NUL, ends in CRLF; not dot-stuffed. */
  readonly payload: Uint8Array;
}

/**
 * Carries one parcel to the next hop, once. It never tries again by itself: only `send/` retries.
 *
 * - `send` resolves with exactly one report and never rejects for what the network or the peer did.
 * - `commit` is called at most once, after at least one recipient was accepted, and the last byte of the message (the
 *   final dot of SMTP; the end of an HTTP body) is written only after it answered true. If it answers false or rejects,
 *   the connection is dropped inside the body and the report is `withheld`.
 * - What fails before that byte was written is `refused` or `failed`; after it, without a usable reply, `unknown`.
 * - When `signal` fires before the commit was granted, the attempt ends `aborted`; after the grant the signal is ignored.
 * - No socket, timer or listener of an attempt outlives its report, but for connections kept for reuse.
 */
export interface Transport {
  readonly capabilities: TransportCapabilities;
  send(parcel: Parcel, commit: () => Promise<boolean>, signal: AbortSignal): Promise<Report>;
  /** Ends idle connections politely and busy ones after their attempt. */
  close(): Promise<void>;
}

export interface TransportCapabilities {
  /** For the start-up line, without secrets: `smtp to 127.0.0.1:2525`. */
  readonly description: string;
  /** Mail is kept here and goes nowhere: the start-up says so. */
  readonly captures: boolean;
  /** Of how it logs in: another one after a changed password; tells nothing about it. For `Hold.login`. */
  readonly login?: string;
  /** Sends that can be under way at once; absent means no cap of its own. */
  readonly connectionsMax?: number;
}
