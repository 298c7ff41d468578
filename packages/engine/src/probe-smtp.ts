import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { loginWith, mechanismOf } from './adapters/transport/smtp/auth.ts';
import { type Extensions, extensionsOf, helloName } from './adapters/transport/smtp/hello.ts';
import { trustOf } from './adapters/transport/smtp/trust.ts';
import { parseSmtpUrl, type SmtpSettings } from './adapters/transport/smtp/url.ts';

/** How far a look at a mail server came. Each step needs the one before it. */
export type SmtpStep = 'resolve' | 'connect' | 'banner' | 'hello' | 'tls' | 'auth';

export interface SmtpProbe {
  readonly peer: string;
  readonly settings: Pick<SmtpSettings, 'host' | 'port' | 'tls' | 'verifiesCertificate'> & { readonly hasCredentials: boolean };
  readonly addresses: readonly string[];
  /** Foreign text, as all that a server says. */
  readonly banner?: string;
  readonly extensions?: Extensions;
  readonly tls?: { readonly version: string; readonly validTo: string; readonly names: string };
  readonly login?: { readonly mechanism: string };
  /** The step that failed, and why; absent when all went well. */
  readonly failure?: { readonly step: SmtpStep; readonly code: string; readonly said: string };
}

/**
 * Connects as the transport would, up to the login, says QUIT and sends no mail.
 *
 * @throws ShoalError `bad_config` for a URL that is none
 * @example (await probeSmtp('smtp://127.0.0.1:2525', 5_000)).failure?.step // 'connect' where nothing listens
 */
export async function probeSmtp(url: string, limitMs: number): Promise<SmtpProbe> {
  const settings = parseSmtpUrl(url);
  const trust = trustOf(settings);
  const { host, port, tls, verifiesCertificate, credentials } = settings;
  const found: { -readonly [Key in keyof SmtpProbe]: SmtpProbe[Key] } = {
    peer: settings.peer,
    settings: { host, port, tls, verifiesCertificate, hasCredentials: credentials !== undefined },
    addresses: [],
  };
  let step: SmtpStep = 'resolve';
  let socket: Socket | undefined;
  const giveUp = setTimeout(() => socket?.destroy(timeOut(limitMs)), limitMs);
  try {
    found.addresses = await within(limitMs, addressesOf(host));
    step = 'connect';
    socket = tls === 'implicit' ? connectTls({ ...trust, port }) : connectTcp({ host, port });
    if (tls === 'implicit') {
      await once(socket, 'connect');
      step = 'tls';
      await once(socket, 'secureConnect');
      found.tls = certificateOf(socket as TLSSocket);
    } else await once(socket, 'connect');
    step = 'banner';
    let talk = conversation(socket);
    found.banner = accepted(await talk.reply(), /^220/);
    step = 'hello';
    const hello = async (): Promise<Extensions> =>
      extensionsOf(
        accepted(await talk.ask(`EHLO ${settings.helloName ?? helloName(socket?.localAddress)}`), /^250/).replace(/^250[- ]?/gm, ''),
      );
    found.extensions = await hello();
    if (tls !== 'implicit' && tls !== 'off' && found.extensions.startTls) {
      step = 'tls';
      accepted(await talk.ask('STARTTLS'), /^220/);
      talk.end();
      socket = connectTls({ ...trust, socket });
      await once(socket, 'secureConnect');
      found.tls = certificateOf(socket as TLSSocket);
      talk = conversation(socket);
      step = 'hello';
      found.extensions = { ...(await hello()), startTls: true };
    } else if (tls === 'required') {
      step = 'tls';
      throw problem('NO_STARTTLS', 'the server offers no STARTTLS');
    }
    if (credentials !== undefined) {
      step = 'auth';
      const mechanism = mechanismOf(credentials.mechanism, found.extensions.auth);
      if (mechanism === undefined)
        throw problem('NO_MECHANISM', `the server offers ${found.extensions.auth.join(', ') || 'no login at all'}`);
      const login = loginWith(mechanism, credentials.user, credentials.password);
      let reply = await talk.ask(login.command);
      for (const answer of login.answers) if (/^334/.test(reply)) reply = await talk.ask(answer);
      accepted(reply, /^235/);
      found.login = { mechanism: mechanism.toUpperCase() };
    }
    await talk.ask('QUIT').catch(() => ''); // some hang up without a word
  } catch (error) {
    const { code = 'ERROR', message } = error as NodeJS.ErrnoException;
    found.failure = { step, code, said: message };
  } finally {
    clearTimeout(giveUp);
    socket?.destroy();
  }
  return found;
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
}

function certificateOf(socket: TLSSocket): NonNullable<SmtpProbe['tls']> {
  const { valid_to: validTo, subjectaltname, subject } = socket.getPeerCertificate();
  return { version: socket.getProtocol() ?? 'unknown', validTo: validTo ?? '', names: subjectaltname ?? String(subject?.CN ?? '') };
}

/** RFC 5321 section 4.2.1: a reply ends with the line whose code is followed by a space. */
const WHOLE_REPLY = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/;
const REPLY_CHARS_MAX = 65_536;

interface Conversation {
  reply(): Promise<string>;
  ask(line: string): Promise<string>;
  /** Lets go of the socket, for TLS to take it. */
  end(): void;
}

function conversation(socket: Socket): Conversation {
  let held = '';
  let fault: Error | undefined;
  let wake = (): void => {};
  const heard = (chunk: Buffer): void => {
    held += chunk.toString('latin1');
    if (held.length > REPLY_CHARS_MAX) socket.destroy(problem('TOO_LONG', 'the reply has no end'));
    wake();
  };
  const failed = (error?: Error): void => {
    fault ??= error ?? problem('CLOSED', 'the server closed the connection');
    wake();
  };
  const closed = (): void => failed();
  socket.on('data', heard).on('error', failed).on('close', closed);
  const reply = async (): Promise<string> => {
    for (;;) {
      const [whole] = WHOLE_REPLY.exec(held) ?? [];
      if (whole !== undefined) {
        held = held.slice(whole.length);
        return whole.replaceAll('\r', '').trimEnd();
      }
      if (fault !== undefined) throw fault;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    reply,
    ask(line) {
      socket.write(`${line}\r\n`);
      return reply();
    },
    end: () => void socket.off('data', heard).off('error', failed).off('close', closed),
  };
}

function accepted(reply: string, wanted: RegExp): string {
  if (wanted.test(reply)) return reply;
  throw problem(reply.slice(0, 3), reply.replaceAll('\n', ' '));
}

/** The first `event` of a socket, or the error that came instead of it. */
function once(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(problem('CLOSED', 'the server closed the connection'));
    socket.once('error', reject).once('close', closed);
    socket.once(event, () => {
      socket.off('error', reject).off('close', closed);
      resolve();
    });
  });
}

function within<Value>(limitMs: number, value: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timeOut(limitMs)), limitMs);
    value.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const timeOut = (limitMs: number): Error => problem('TIMEOUT', `no answer within ${limitMs / 1_000} s`);

function problem(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
