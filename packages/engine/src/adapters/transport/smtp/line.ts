import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { FailureCause } from '../../../model/reply.ts';
import type { Clock } from '../../../ports/clock.ts';
import { Deadline } from './deadline.ts';
import { type RawReply, ReplyReader } from './replies.ts';
import type { Trust } from './trust.ts';

export interface LineEnd {
  readonly cause: FailureCause;
  readonly detail: string;
}

export interface LineEvents {
  /** TCP is there, and TLS where it is implicit. */
  opened(): void;
  replied(reply: RawReply): void;
  /** Once, and never after `destroy`. */
  ended(end: LineEnd): void;
  /** The deadline passed. */
  waitedTooLong(): void;
}

export interface LinePlan {
  readonly host: string;
  readonly port: number;
  readonly isTlsImplicit: boolean;
  /** Instead of the resolver of the operating system. */
  readonly lookup?: LookupFunction;
  readonly trust: Trust;
  readonly clock: Clock;
}

/** A socket that says replies, with one deadline. It knows nothing of SMTP's order of things. */
export class Line {
  /** `none`, or the protocol version of the handshake. */
  tls = 'none';
  readonly #plan: LinePlan;
  readonly #events: LineEvents;
  readonly #deadline: Deadline;
  #socket: Socket;
  #reader = new ReplyReader();
  /** What an error of the socket means now: no connection, no TLS, or a cut line. */
  #endOf: (error: NodeJS.ErrnoException) => LineEnd = connectEnd;
  #isOver = false;

  constructor(plan: LinePlan, events: LineEvents) {
    this.#plan = plan;
    this.#events = events;
    this.#deadline = new Deadline(plan.clock, () => events.waitedTooLong());
    const { host, port, lookup } = plan;
    const place = { host, port, ...(lookup !== undefined && { lookup }) };
    if (plan.isTlsImplicit) {
      const socket = connectTls({ ...plan.trust, ...place });
      socket.once('secureConnect', () => this.#secured(socket, () => events.opened()));
      this.#socket = socket;
    } else {
      this.#socket = connectTcp(place);
      this.#socket.once('connect', () => {
        this.#endOf = cutEnd;
        events.opened();
      });
    }
    this.#socket.setNoDelay(true);
    this.#listen(this.#socket);
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  /** Nothing was received beyond the last reply. */
  get isQuiet(): boolean {
    return this.#reader.isEmpty;
  }

  waitAtMost(ms: number): void {
    this.#deadline.set(ms);
  }

  /** @param encoding of what has more than ASCII in it; SMTPUTF8 alone allows that */
  say(text: string, encoding: 'latin1' | 'utf8' = 'latin1'): void {
    this.#socket.write(text, encoding);
  }

  /** @param taken the kernel has it all */
  sendBytes(bytes: Uint8Array, taken?: () => void): void {
    if (taken === undefined) this.#socket.write(bytes);
    else this.#socket.write(bytes, (error) => error == null && !this.#isOver && taken());
  }

  /** Holds what is written back, so that it leaves in one piece with what comes next. */
  hold(): void {
    this.#socket.cork();
  }

  /** Writes what was held. Harmless when nothing is. */
  letGo(): void {
    this.#socket.uncork();
  }

  /** RFC 3207. What is read from here on is the inside of the TLS stream, and a new reader reads it (security S5). */
  startTls(secured: () => void): void {
    this.#endOf = tlsEnd;
    this.#reader = new ReplyReader();
    const plain = this.#socket;
    plain.off('data', this.#onRead).off('end', this.#onClosed).off('close', this.#onClosed);
    const socket = connectTls({ ...this.#plan.trust, socket: plain });
    this.#socket = socket;
    socket.once('secureConnect', () => this.#secured(socket, secured));
    this.#listen(socket);
  }

  destroy(): void {
    this.#isOver = true;
    this.#deadline.stop();
    this.#socket.destroy();
  }

  #secured(socket: TLSSocket, act: () => void): void {
    if (this.#isOver) return;
    this.tls = socket.getProtocol() ?? 'none';
    this.#endOf = cutEnd;
    act();
  }

  #listen(socket: Socket): void {
    socket.on('data', this.#onRead).on('error', this.#onError).on('end', this.#onClosed).on('close', this.#onClosed);
  }

  readonly #onRead = (chunk: Buffer): void => this.#read(chunk);
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#end(this.#endOf(error));
  readonly #onClosed = (): void => this.#end(this.#endOf(CLOSED));

  #read(chunk: Buffer): void {
    const reader = this.#reader;
    reader.push(chunk);
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
      this.#events.replied(reply);
      if (this.#isOver || reader !== this.#reader) return;
    }
    if (reader.fault !== undefined) this.#end({ cause: 'malformed', detail: `the server sent ${reader.fault}` });
  }

  #end(end: LineEnd): void {
    if (this.#isOver) return;
    this.destroy();
    this.#events.ended(end);
  }
}

const CLOSED = new Error('the server closed the connection');

function cutEnd(error: NodeJS.ErrnoException): LineEnd {
  return { cause: 'cut', detail: error === CLOSED ? error.message : `the line was cut: ${nameOf(error)}` };
}

function connectEnd(error: NodeJS.ErrnoException): LineEnd {
  if (error === CLOSED) return cutEnd(error);
  // Several addresses were tried (RFC 8305): what happened to the first one tells most.
  const first = (error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined) : undefined) ?? error;
  const code = first.code ?? '';
  if (/^(?:ENOTFOUND|EAI_|ENODATA|ESERVFAIL)/.test(code)) return { cause: 'dns', detail: `the host name was not found: ${nameOf(first)}` };
  if (/^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM)$/.test(code))
    return { cause: 'refused', detail: `no connection: ${nameOf(first)}` };
  if (code === 'ETIMEDOUT') return { cause: 'timeout', detail: `no connection: ${nameOf(first)}` };
  return code === 'ECONNRESET' ? cutEnd(first) : tlsEnd(first);
}

function tlsEnd(error: NodeJS.ErrnoException): LineEnd {
  return { cause: 'tls', detail: `no TLS with this server: ${nameOf(error)}; ${TLS_CURE}` };
}

const TLS_CURE =
  'a certificate of your own making is trusted with ?ca=FILE, another name in it with ?servername=NAME; without credentials ?tls=off sends in clear';

/** Code and message of a socket error: both are Node's or OpenSSL's, and neither holds what was sent. */
function nameOf(error: NodeJS.ErrnoException): string {
  return error.code === undefined || error.message.includes(error.code) ? error.message : `${error.code} (${error.message})`;
}
