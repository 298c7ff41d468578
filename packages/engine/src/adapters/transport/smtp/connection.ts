import type { LookupFunction } from 'node:net';
import type { FailureCause, Phase } from '../../../model/reply.ts';
import type { Clock } from '../../../ports/clock.ts';
import { FINAL_DOT } from './data.ts';
import { type Extensions, NO_EXTENSIONS } from './hello.ts';
import { Line } from './line.ts';
import { type Asker, type OpeningPlan, openSession } from './opening.ts';
import type { RawReply } from './replies.ts';
import type { Carrier, Transaction } from './transaction.ts';
import type { Trust } from './trust.ts';
import type { SmtpWaits } from './waits.ts';

export interface ConnectionPlan extends OpeningPlan {
  readonly trust: Trust;
  readonly clock: Clock;
  readonly waits: SmtpWaits;
  /** Instead of the resolver of the operating system. */
  readonly lookup?: LookupFunction;
}

/** What a connection tells its pool, and asks of it. */
export interface ConnectionHost {
  /** A transaction that waits for a connection, taken out of the queue. */
  takeWaiting(): Transaction | undefined;
  /** It may carry another transaction, or be told to quit. */
  becameFree(connection: Connection): void;
  closed(connection: Connection): void;
}

/** A body is handed over in pieces of this size, so that a slow peer is told from a dead one by the pieces it takes. */
const PIECE_BYTES = 256 * 1024;
/** What any line takes at once. */
const HELD_BYTES_MAX = 64 * 1024;

/**
 * One SMTP session: opened for a first transaction, then carrying one after the other. Where the server pipelines, the
 * envelope of the next waiting one leaves together with the final dot of the one before (RFC 2920 section 3.1 lets the end
 * of a message begin a group), so `#inFlight` holds up to two: the one whose replies come now, and its follower.
 */
export class Connection {
  readonly #plan: ConnectionPlan;
  readonly #host: ConnectionHost;
  readonly #line: Line;
  readonly #openedAt: number;
  #state: 'opening' | 'busy' | 'resetting' | 'idle' | 'quitting' | 'closed' = 'opening';
  #inFlight: Transaction[];
  #extensions: Extensions = NO_EXTENSIONS;
  #begun = 0;
  /** While opening: what the next reply answers. */
  #answered: (reply: RawReply) => void = () => {};

  constructor(plan: ConnectionPlan, host: ConnectionHost, first: Transaction) {
    this.#plan = plan;
    this.#host = host;
    this.#openedAt = plan.clock.now();
    this.#inFlight = [first];
    first.whenAborted = () => this.#aborted(first);
    const { settings, clock, trust, waits, lookup } = plan;
    const place = { host: settings.host, port: settings.port, ...(lookup !== undefined && { lookup }) };
    this.#line = new Line(
      { ...place, isTlsImplicit: settings.tls === 'implicit', trust, clock },
      {
        opened: () => this.#open(),
        replied: (reply) => this.#replied(reply),
        ended: ({ cause, detail }) => this.#close(cause, detail),
        waitedTooLong: () => this.#waitedTooLong(),
      },
    );
    this.#line.waitAtMost(waits.connectMs);
  }

  get canCarryMore(): boolean {
    if (this.#state === 'quitting' || this.#state === 'closed') return false; // it said good-bye
    const ageMs = this.#plan.clock.now() - this.#openedAt;
    return this.#begun < this.#plan.settings.messagesMax && ageMs < this.#plan.waits.lifetimeMs;
  }

  /** Only when it is free. */
  carry(transaction: Transaction): void {
    if (this.#turnsAway(transaction)) {
      this.#host.becameFree(this);
      return;
    }
    this.#state = 'busy';
    this.#inFlight.push(transaction);
    this.#line.waitAtMost(this.#plan.waits.replyMs);
    this.#line.say(this.#begin(transaction), encodingOf(transaction));
  }

  /** Waits for the next transaction; what comes from the server meanwhile, or its silence for too long, ends it. */
  rest(): void {
    this.#state = 'idle';
    this.#line.waitAtMost(this.#plan.settings.idleMs);
  }

  /** Takes leave politely, and waits only a moment for the answer. */
  quit(): void {
    if (this.#state === 'quitting' || this.#state === 'closed') return;
    this.#state = 'quitting';
    this.#line.waitAtMost(this.#plan.waits.quitMs);
    this.#line.say('QUIT\r\n');
  }

  // ---- opening

  #open(): void {
    const asker: Asker = {
      ask: (phase, command, answered) => {
        this.#enter(phase);
        this.#answered = answered;
        if (command !== undefined) this.#line.say(`${command}\r\n`);
      },
      startTls: (secured) => {
        this.#line.waitAtMost(this.#plan.waits.replyMs);
        this.#line.startTls(secured);
      },
      enter: (phase) => this.#enter(phase),
      isQuiet: () => this.#line.isQuiet,
      localAddress: () => this.#line.localAddress,
      isOver: () => this.#state === 'closed',
    };
    openSession(asker, this.#plan, (opened) => {
      const first = this.#inFlight[0];
      if (first === undefined) return;
      first.carrier = this.#carrier();
      switch (opened.kind) {
        case 'ready':
          this.#extensions = opened.extensions;
          this.#inFlight.length = 0;
          this.carry(first);
          return;
        case 'refused':
          first.refuse(opened.phase, opened.reply);
          this.#close('cut', 'the session was refused');
          return;
        case 'failed':
          first.phase = opened.phase;
          this.#close(opened.cause, opened.detail);
          return;
        default:
          opened satisfies never;
      }
    });
  }

  #enter(phase: Phase): void {
    const first = this.#inFlight[0];
    if (first !== undefined) first.phase = phase;
    this.#line.waitAtMost(this.#plan.waits.replyMs);
  }

  // ---- replies

  #replied(reply: RawReply): void {
    switch (this.#state) {
      case 'opening':
        this.#answered(reply);
        return;
      case 'busy':
        this.#advance(reply);
        return;
      case 'resetting':
        if (reply.code >= 200 && reply.code < 300) this.#host.becameFree(this);
        else this.#close('cut', 'RSET was refused');
        return;
      case 'idle': // nothing was asked: it is a good-bye, or the place in the dialogue is lost
      case 'quitting':
        this.#close('cut', 'over');
        return;
      case 'closed':
        return;
      default:
        this.#state satisfies never;
    }
  }

  #advance(reply: RawReply): void {
    const head = this.#inFlight[0];
    if (head === undefined) return;
    const move = head.take(reply);
    switch (move) {
      case 'wait':
        this.#line.waitAtMost(this.#plan.waits.replyMs);
        return;
      case 'ask':
        this.#line.waitAtMost(this.#plan.waits.replyMs);
        this.#line.say(head.nextCommand(), encodingOf(head));
        return;
      case 'body':
        this.#sendBody(head, 0);
        return;
      case 'reset':
        this.#inFlight.shift();
        this.#state = 'resetting';
        this.#line.waitAtMost(this.#plan.waits.replyMs);
        this.#line.say('RSET\r\n'); // RFC 5321 section 4.1.1.5
        return;
      case 'free':
        this.#inFlight.shift();
        this.#goOn();
        return;
      case 'drop':
        this.#close('cut', `the session ended with the message before this one: ${reply.code}`);
        return;
      default:
        move satisfies never;
    }
  }

  /** The follower's envelope is at the server already, so its replies come next. */
  #goOn(): void {
    const follower = this.#inFlight[0];
    if (follower === undefined) this.#host.becameFree(this);
    else if (follower.isEnded) this.#close('cut', 'aborted');
    else this.#line.waitAtMost(this.#plan.waits.replyMs);
  }

  // ---- body, commit, dot

  #sendBody(transaction: Transaction, from: number): void {
    transaction.phase = 'body';
    this.#line.waitAtMost(this.#plan.waits.replyMs);
    const { body } = transaction;
    if (body.length - from > PIECE_BYTES) {
      const to = from + PIECE_BYTES;
      this.#line.sendBytes(body.subarray(from, to), () => transaction.isEnded || this.#sendBody(transaction, to));
      return;
    }
    this.#sendEnd(transaction, from === 0 ? body : body.subarray(from));
  }

  /**
   * The last piece of the body and the commit, side by side: asked for earlier, a large message on a slow line would lie
   * in doubt for long; asked for later, each message would wait for the ledger. A small piece is held until the grant, so
   * that it leaves in one write with the dot and the envelope of the follower.
   */
  #sendEnd(transaction: Transaction, piece: Uint8Array): void {
    const isHeld = piece.length <= HELD_BYTES_MAX;
    if (isHeld) this.#line.hold();
    this.#line.sendBytes(piece);
    transaction.askCommit((isGranted) => {
      if (transaction.isEnded) return; // cut, late or aborted: the grant, if it was one, is not used
      if (isGranted) this.#sendDot(transaction);
      else this.#withhold(transaction);
      if (isHeld) this.#line.letGo();
    });
  }

  /** Beware: from the first line on a cut is doubt. Nothing may come between that and the write. */
  #sendDot(transaction: Transaction): void {
    transaction.phase = 'dot';
    const follower = this.#takeFollower();
    if (follower === undefined) this.#line.say(FINAL_DOT);
    else this.#line.say(`${FINAL_DOT}${this.#begin(follower)}`, encodingOf(follower));
    this.#line.waitAtMost(this.#plan.waits.dotReplyMs);
  }

  /** Closed inside DATA, the server has to drop what it has (RFC 5321 section 4.1.1.4: only the dot makes it a message). */
  #withhold(transaction: Transaction): void {
    transaction.withhold();
    this.#close('cut', 'withheld');
  }

  /** The follower asks for its own commit once its own 354 came; until then the fate of the one before can't harm it. */
  #takeFollower(): Transaction | undefined {
    if (!this.#extensions.pipelining || !this.canCarryMore) return undefined;
    for (let next = this.#host.takeWaiting(); next !== undefined; next = this.#host.takeWaiting()) {
      if (this.#turnsAway(next)) continue;
      this.#inFlight.push(next);
      return next;
    }
    return undefined;
  }

  // ---- ends

  #begin(transaction: Transaction): string {
    transaction.whenAborted = () => this.#aborted(transaction);
    const carrier = this.#carrier();
    this.#begun += 1;
    return transaction.begin(this.#extensions, carrier);
  }

  /** A follower is left where it is: the message before it has its dot out, and its answer is worth waiting for. */
  #aborted(transaction: Transaction): void {
    if (this.#inFlight[0] === transaction) this.#close('cut', 'aborted');
  }

  /** What the server can't carry ends here, without a word to it: it would be refused, or spoilt. */
  #turnsAway(transaction: Transaction): boolean {
    const missing = transaction.missingFrom(this.#extensions);
    if (missing === undefined) return false;
    transaction.phase = 'mail';
    transaction.carrier = this.#carrier();
    transaction.fail('missing', missing);
    return true;
  }

  #waitedTooLong(): void {
    if (this.#state === 'idle') this.quit();
    else if (this.#inFlight[0]?.awaitsCommit === true) this.#close('timeout', 'the commit was not answered in time');
    else this.#close('timeout', 'the server was silent for too long');
  }

  #close(cause: FailureCause, detail: string): void {
    if (this.#state === 'closed') return;
    const carrier = this.#state === 'opening' ? this.#carrier() : undefined;
    this.#state = 'closed';
    this.#line.destroy();
    const [head, follower] = this.#inFlight.splice(0);
    if (head !== undefined && carrier !== undefined) head.carrier = carrier;
    head?.fail(cause, detail);
    // Nothing was said to the follower yet, so silence or nonsense was meant for the one before it: to it, the line was cut.
    follower?.fail('cut', cause === 'cut' ? detail : `the session ended with the message before this one: ${detail}`);
    this.#host.closed(this);
  }

  #carrier(): Carrier {
    return { peer: this.#plan.settings.peer, tls: this.#line.tls, isReused: this.#begun > 0 };
  }
}

function encodingOf(transaction: Transaction): 'latin1' | 'utf8' {
  return transaction.parcel.envelope.smtpUtf8 ? 'utf8' : 'latin1';
}
