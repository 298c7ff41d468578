import type { Envelope } from '../../../model/envelope.ts';
import { RECIPIENTS_MAX } from '../../../model/limits.ts';
import type { ConnectionFacts, FailureCause, Phase, RecipientReply, Reply, Report } from '../../../model/reply.ts';
import type { Parcel } from '../../../ports/transport.ts';
import type { Extensions } from './hello.ts';
import { type RawReply, replyOf } from './replies.ts';

/** What the connection has to do after a reply. */
export type Move =
  /** More replies are on their way. */
  | 'wait'
  /** Not pipelined: say `nextCommand()`. */
  | 'ask'
  /** The server is ready for the message. */
  | 'body'
  /** Ended without an accepted message: RSET before the next one. */
  | 'reset'
  /** Ended, and the session is as good as new. */
  | 'free'
  /** Ended, and the session is of no more use. */
  | 'drop';

/** How the connection that carried it looked, for the facts of its report. */
export interface Carrier {
  readonly peer: string;
  readonly tls: string;
  readonly isReused: boolean;
}

export interface TransactionParts {
  readonly parcel: Parcel;
  /** Dot-stuffed. */
  readonly body: Uint8Array;
  readonly commit: () => Promise<boolean>;
  readonly peer: string;
  readonly startedAt: number;
  readonly now: () => number;
  /** Called once, at the report. */
  readonly ended: (transaction: Transaction) => void;
}

/**
 * One parcel from its send to its report: the mail transaction of RFC 5321 section 3.3. It takes replies in the order of
 * its commands, whether they were pipelined or not, and ends in exactly one report. `phase` is `dot` from just before the
 * final dot is handed to the socket, and on that alone hangs whether a cut line is `failed` or `unknown`.
 */
export class Transaction {
  readonly parcel: Parcel;
  readonly body: Uint8Array;
  readonly report: Promise<Report>;
  phase: Phase = 'connect';
  carrier: Carrier;
  isEnded = false;
  /** Set by whoever holds it: the queue, then a connection. */
  whenAborted: () => void = () => {};
  readonly #parts: TransactionParts;
  readonly #accepted: RecipientReply[] = [];
  readonly #refused: RecipientReply[] = [];
  #isPipelined = false;
  #isCommitAsked = false;
  #recipientsAnswered = 0;
  #resolve: (report: Report) => void = () => {};

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    this.parcel = parts.parcel;
    this.body = parts.body;
    this.carrier = { peer: parts.peer, tls: 'none', isReused: false };
    this.report = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Why this server can't carry it, judged by its EHLO alone. */
  missingFrom(offered: Extensions): string | undefined {
    const { envelope, payload } = this.parcel;
    if (offered.sizeMax !== undefined && payload.length > offered.sizeMax)
      return `the message has ${payload.length} bytes and the server takes ${offered.sizeMax} (SIZE)`;
    if (envelope.eightBit && !offered.eightBitMime) return 'the message has 8-bit text and the server does not offer 8BITMIME';
    if (envelope.smtpUtf8 && !offered.smtpUtf8) return 'an address is not ASCII and the server does not offer SMTPUTF8';
    return undefined;
  }

  /** What opens it: the whole envelope with DATA where the server lets commands be pipelined (RFC 2920), else MAIL. */
  begin(offered: Extensions, carrier: Carrier): string {
    this.carrier = carrier;
    this.phase = 'mail';
    this.#isPipelined = offered.pipelining;
    const { from, to, eightBit, smtpUtf8 } = this.parcel.envelope;
    const size = offered.size ? ` SIZE=${this.parcel.payload.length}` : ''; // RFC 1870: line ends count, stuffed dots do not
    const mail = `MAIL FROM:<${from}>${size}${eightBit ? ' BODY=8BITMIME' : ''}${smtpUtf8 ? ' SMTPUTF8' : ''}\r\n`;
    if (!offered.pipelining) return mail;
    let group = mail;
    for (const address of to) group += `RCPT TO:<${address}>\r\n`;
    return `${group}DATA\r\n`; // DATA ends a group (RFC 2920 section 3.1)
  }

  nextCommand(): string {
    const address = this.parcel.envelope.to[this.#recipientsAnswered];
    return this.phase === 'rcpt' && address !== undefined ? `RCPT TO:<${address}>\r\n` : 'DATA\r\n';
  }

  take(raw: RawReply): Move {
    if (raw.code === 421) return this.#closing(replyOf(raw));
    switch (this.phase) {
      case 'mail':
        return this.#mailAnswered(raw);
      case 'rcpt':
        return this.#rcptAnswered(raw);
      case 'data':
        return this.#dataAnswered(raw);
      case 'body':
        // The server does not want the rest and says so early. The dot was not written, so nothing was taken.
        if (raw.code < 400) return this.#nonsense(raw);
        this.#end({ kind: 'refused', phase: 'body', reply: replyOf(raw), refused: this.#refused, facts: this.facts() });
        return 'drop';
      case 'dot':
        return this.#dotAnswered(raw);
      default:
        return this.#nonsense(raw);
    }
  }

  /** Asks for the permission to write the final dot; the one place that does. A rejection is a no. */
  askCommit(answered: (isGranted: boolean) => void): void {
    this.#isCommitAsked = true;
    let asked: Promise<boolean>;
    try {
      asked = this.#parts.commit();
    } catch {
      answered(false);
      return;
    }
    asked.then(answered, () => answered(false));
  }

  /** What is waited for is not the server's. */
  get awaitsCommit(): boolean {
    return this.#isCommitAsked && this.phase === 'body';
  }

  /** No usable reply came. Whether the message may have been taken is a matter of the phase. */
  fail(cause: FailureCause, detail: string): void {
    const facts = this.facts();
    if (this.phase !== 'dot') this.#end({ kind: 'failed', phase: this.phase, cause, detail, facts });
    else this.#end({ kind: 'unknown', cause: cause === 'timeout' || cause === 'malformed' ? cause : 'cut', detail, facts });
  }

  refuse(phase: Phase, reply: Reply): void {
    this.#end({ kind: 'refused', phase, reply, refused: [], facts: this.facts() });
  }

  withhold(): void {
    this.#end({ kind: 'withheld', facts: this.facts() });
  }

  /** The signal fired. After the grant it comes too late: the dot is as good as written. */
  abort(): void {
    if (this.isEnded || this.phase === 'dot') return;
    this.#end({ kind: 'aborted', phase: this.phase, facts: this.facts() });
    this.whenAborted();
  }

  facts(): ConnectionFacts {
    return { ...this.carrier, durationMs: Math.max(0, Math.round(this.#parts.now() - this.#parts.startedAt)) };
  }

  #mailAnswered(raw: RawReply): Move {
    if (raw.code >= 400) this.refuse('mail', replyOf(raw));
    else if (raw.code >= 300) return this.#nonsense(raw);
    if (this.isEnded && !this.#isPipelined) return 'reset';
    this.phase = 'rcpt';
    return this.#next();
  }

  #rcptAnswered(raw: RawReply): Move {
    if (raw.code >= 300 && raw.code < 400) return this.#nonsense(raw);
    const { to } = this.parcel.envelope;
    const address = to[this.#recipientsAnswered] ?? '';
    (raw.code < 300 ? this.#accepted : this.#refused).push({ address, reply: replyOf(raw) });
    this.#recipientsAnswered += 1;
    if (this.#recipientsAnswered < to.length) return this.#next();

    this.phase = 'data';
    const [first] = this.#refused;
    if (this.#accepted.length === 0 && first !== undefined) {
      this.#end({ kind: 'refused', phase: 'rcpt', reply: first.reply, refused: this.#refused, facts: this.facts() });
      if (!this.#isPipelined) return 'reset';
    }
    return this.#next();
  }

  #dataAnswered(raw: RawReply): Move {
    if (raw.code >= 400) {
      this.#end({ kind: 'refused', phase: 'data', reply: replyOf(raw), refused: this.#refused, facts: this.facts() });
      return 'reset';
    }
    if (raw.code !== 354) return this.#nonsense(raw);
    // RFC 2920 section 3.1: DATA may be taken although no recipient was, and the way out is a lone dot. But a dot is what
    // `commit` stands before, and some server will make an empty mail of it: the connection goes instead.
    return this.isEnded ? 'drop' : 'body';
  }

  #dotAnswered(raw: RawReply): Move {
    if (raw.code >= 300 && raw.code < 400) return this.#nonsense(raw);
    const reply = replyOf(raw);
    const refused = this.#refused;
    if (raw.code >= 400) this.#end({ kind: 'refused', phase: 'dot', reply, refused, facts: this.facts() });
    else this.#end({ kind: 'accepted', reply, accepted: this.#accepted, refused, facts: this.facts() });
    return 'free'; // RFC 5321 section 4.1.1.4: the answer to the dot ends the transaction, whatever it says
  }

  /** RFC 5321 section 3.8: a server may say 421 to anything and close. It took nothing: that holds for the dot as well. */
  #closing(reply: Reply): Move {
    const { phase } = this;
    const stillOpen =
      phase === 'rcpt' ? this.parcel.envelope.to.filter((address) => !this.#refused.some((each) => each.address === address)) : [];
    const refused = [...this.#refused, ...stillOpen.map((address) => ({ address, reply }))];
    this.#end({ kind: 'refused', phase, reply, refused, facts: this.facts() });
    return 'drop';
  }

  #nonsense(raw: RawReply): Move {
    this.fail('malformed', `the server answered ${raw.code} at ${this.phase}`);
    return 'drop';
  }

  #next(): Move {
    return this.#isPipelined ? 'wait' : 'ask';
  }

  #end(report: Report): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#resolve(report);
    this.#parts.ended(this);
  }
}

/** Security S7: no address becomes a second command or parameter. They were checked before; here stands the wire. */
export function envelopeFault(envelope: Envelope): string | undefined {
  const { from, to, smtpUtf8 } = envelope;
  if (to.length === 0 || to.length > RECIPIENTS_MAX) return `the envelope has ${to.length} recipients; 1 to ${RECIPIENTS_MAX} go`;
  const isSafe = smtpUtf8 ? isSafeUtf8 : isSafeAscii;
  if (from !== '' && !isSafe(from)) return 'the return path has a character that may not stand in an SMTP command; nothing was sent';
  if (!to.every((address) => isSafe(address))) return 'a recipient has a character that may not stand in an SMTP command; nothing was sent';
  return undefined;
}

/** Printable ASCII without space and angle brackets. */
function isSafeAscii(address: string): boolean {
  return /^[\x21-\x3b\x3d\x3f-\x7e]+$/.test(address);
}

function isSafeUtf8(address: string): boolean {
  return address !== '' && !/[\x00-\x20<>\x7f-\x9f\u2028\u2029]|\p{Cs}/u.test(address);
}
