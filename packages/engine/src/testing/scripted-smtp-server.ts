import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What the peer does when a client has said something. */
export type Step =
  /** `text` may hold several lines; the last CRLF is added. `byByte`: each byte in a packet of its own. */
  | { readonly kind: 'say'; readonly text: string; readonly byByte: boolean; readonly thenCut: boolean }
  /** Says it once `release()` is called; what comes meanwhile is read and answered after it. */
  | { readonly kind: 'hold'; readonly text: string }
  | { readonly kind: 'cut' }
  /** Nothing more is said in this session. */
  | { readonly kind: 'silence' };

export const say = (text: string): Step => ({ kind: 'say', text, byByte: false, thenCut: false });
export const sayByByte = (text: string): Step => ({ kind: 'say', text, byByte: true, thenCut: false });
export const sayThenCut = (text: string): Step => ({ kind: 'say', text, byByte: false, thenCut: true });
export const hold = (text: string): Step => ({ kind: 'hold', text });
export const cut: Step = { kind: 'cut' };
export const silence: Step = { kind: 'silence' };

export type ScriptedVerb = 'greeting' | 'ehlo' | 'helo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot' | 'rset' | 'quit';

/** One step for each verb, or several: the first time, the second time ..., over all sessions; the last one repeats. */
export type SmtpScript = Partial<Readonly<Record<ScriptedVerb, Step | readonly Step[]>>> & {
  /** Done once this many bytes of a body have come, instead of waiting for its dot. */
  readonly body?: { readonly afterBytes: number; readonly step: Step };
};

export interface ScriptedTls {
  readonly key: string;
  readonly cert: string;
  readonly isImplicit: boolean;
}

export interface ReceivedMail {
  readonly session: number;
  readonly from: string;
  readonly to: readonly string[];
  /** Without its dots and without the dot that ended it. */
  readonly bytes: Buffer;
}

export interface ScriptedSmtpServer {
  readonly host: string;
  readonly port: number;
  /** What happened, in order: `1 open`, `1 MAIL FROM:<a@b.example>`, `1 body`, `1 dot`, `1 closed`; sessions count from 1. */
  readonly log: readonly string[];
  /** Each body that was ended by a dot, whatever was answered to it. */
  readonly mails: readonly ReceivedMail[];
  /** All bytes that came outside TLS. */
  readonly clearText: string;
  readonly openSessions: number;
  /** Called when a dot has come, before it is answered. */
  onDot: () => void;
  release(): void;
  /** Closes every session from this side. */
  cutAll(): void;
  /** From here on what the clients send stays in the network. */
  stopReading(): void;
  /** Sends these very bytes, which nobody asked for, in every open session. */
  interject(text: string): void;
  /** Resolves once `fact` holds; rejects after ten seconds with what it saw instead. */
  until(what: string, fact: () => boolean): Promise<void>;
  /** `until` the log holds an entry that begins with this. */
  untilLogged(start: string): Promise<void>;
  close(): Promise<void>;
}

const DEFAULTS: Readonly<Record<ScriptedVerb, Step>> = {
  greeting: say('220 peer.example ESMTP'),
  ehlo: say('250-peer.example at your service\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES'),
  helo: say('250 peer.example'),
  starttls: say('220 2.0.0 go ahead'),
  auth: say('235 2.7.0 accepted'),
  mail: say('250 2.1.0 sender ok'),
  rcpt: say('250 2.1.5 recipient ok'),
  data: say('354 end with a dot'),
  dot: say('250 2.0.0 queued as 4F2A'),
  rset: say('250 2.0.0 flushed'),
  quit: sayThenCut('221 2.0.0 bye'),
};

const WAIT_MS = 10_000;
const CRLF = Buffer.from('\r\n');
const END = Buffer.from('\r\n.\r\n');

/** An SMTP peer on a real socket that does what its script says. It checks nothing and believes nothing: it records. */
export async function openScriptedSmtpServer(script: SmtpScript = {}, tls?: ScriptedTls): Promise<ScriptedSmtpServer> {
  const log: string[] = [];
  const mails: ReceivedMail[] = [];
  const timesDone = new Map<ScriptedVerb, number>();
  const open = new Map<Socket, (text: string) => void>();
  const watchers = new Set<() => void>();
  let clearText = '';
  let sessions = 0;
  let release: () => void = () => {};
  let released = new Promise<void>((resolve) => {
    release = resolve;
  });

  function record(entry: string): void {
    log.push(entry);
    for (const watcher of [...watchers]) watcher();
  }

  function stepFor(verb: ScriptedVerb): Step {
    const steps = script[verb] ?? DEFAULTS[verb];
    const time = timesDone.get(verb) ?? 0;
    timesDone.set(verb, time + 1);
    if ('kind' in steps) return steps;
    return steps[Math.min(time, steps.length - 1)] ?? DEFAULTS[verb];
  }

  function serve(raw: Socket): void {
    sessions += 1;
    const session = sessions;
    let socket: Socket = raw;
    let input = Buffer.alloc(0);
    let isInBody = false;
    let isMute = false;
    let bodyStepDone = false;
    let awaitsAuth = false;
    let from = '';
    let to: string[] = [];
    let output = Promise.resolve();

    raw.setNoDelay(true);
    open.set(raw, (text) => void socket.write(text));
    raw.on('close', () => {
      open.delete(raw);
      record(`${session} closed`);
    });
    record(`${session} open`);
    if (tls?.isImplicit === true) secure();
    else listen(raw);
    act(stepFor('greeting'));

    function listen(on: Socket): void {
      on.on('error', () => raw.destroy());
      on.on('end', () => raw.destroy()); // a TLS socket with unsent bytes would stay half open
      on.on('data', (chunk: Buffer) => {
        if (!(on instanceof TLSSocket)) clearText += chunk.toString('latin1');
        input = Buffer.concat([input, chunk]);
        read();
      });
    }

    function secure(): void {
      raw.removeAllListeners('data');
      input = Buffer.alloc(0);
      const secured = new TLSSocket(raw, { isServer: true, key: tls?.key, cert: tls?.cert });
      socket = secured;
      listen(secured);
    }

    function read(): void {
      while (!isMute) {
        if (isInBody) {
          if (!readBody()) return;
          continue;
        }
        const end = input.indexOf(CRLF);
        if (end < 0) return;
        const line = input.subarray(0, end).toString('utf8');
        input = input.subarray(end + 2);
        command(line);
      }
    }

    /** True when the body has ended. */
    function readBody(): boolean {
      const { body } = script;
      if (body !== undefined && !bodyStepDone && input.length >= body.afterBytes) {
        bodyStepDone = true;
        record(`${session} body`);
        act(body.step);
        if (isMute) return false;
      }
      const atOnce = input.subarray(0, 3).toString('latin1') === '.\r\n';
      const end = atOnce ? 0 : input.indexOf(END);
      if (end < 0) return false;
      const bytes = atOnce ? Buffer.alloc(0) : input.subarray(0, end + 2);
      input = input.subarray(atOnce ? 3 : end + END.length);
      isInBody = false;
      mails.push({ session, from, to, bytes: unstuffed(bytes) });
      record(`${session} dot`);
      server.onDot();
      act(stepFor('dot'));
      return true;
    }

    function command(line: string): void {
      record(`${session} ${line}`);
      const verb = awaitsAuth ? 'auth' : (/^[A-Za-z]*/.exec(line)?.[0] ?? '').toLowerCase();
      switch (verb) {
        case 'mail':
          from = /<([^>]*)>/.exec(line)?.[1] ?? '';
          to = [];
          act(stepFor('mail'));
          return;
        case 'rcpt':
          to.push(/<([^>]*)>/.exec(line)?.[1] ?? '');
          act(stepFor('rcpt'));
          return;
        case 'data': {
          const step = stepFor('data');
          isInBody = 'text' in step && step.text.startsWith('354');
          bodyStepDone = false;
          act(step);
          return;
        }
        case 'starttls': {
          const step = stepFor('starttls');
          act(step);
          if ('text' in step && step.text.startsWith('220')) output = output.then(secure);
          return;
        }
        case 'auth': {
          const step = stepFor('auth');
          awaitsAuth = 'text' in step && step.text.startsWith('334');
          act(step);
          return;
        }
        case 'ehlo':
        case 'helo':
        case 'rset':
        case 'quit':
          act(stepFor(verb));
          return;
        default:
          act(say('500 5.5.1 what?'));
      }
    }

    function act(step: Step): void {
      if (step.kind === 'silence') isMute = true;
      const whenReleased = released;
      output = output.then(() => perform(step, whenReleased));
    }

    async function perform(step: Step, whenReleased: Promise<void>): Promise<void> {
      switch (step.kind) {
        case 'silence':
          return;
        case 'cut':
          raw.destroy();
          return;
        case 'hold':
          await whenReleased;
          socket.write(`${step.text}\r\n`);
          return;
        case 'say':
          if (step.byByte) await writeByByte(`${step.text}\r\n`);
          else socket.write(`${step.text}\r\n`);
          if (step.thenCut) socket.end();
          return;
        default:
          step satisfies never;
      }
    }

    async function writeByByte(text: string): Promise<void> {
      for (const byte of Buffer.from(text)) {
        socket.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  const listener = createServer(serve);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const server: ScriptedSmtpServer = {
    host: '127.0.0.1',
    port,
    log,
    mails,
    get clearText() {
      return clearText;
    },
    get openSessions() {
      return open.size;
    },
    onDot: () => {},
    release() {
      release();
      released = new Promise((resolve) => {
        release = resolve;
      });
    },
    cutAll() {
      for (const socket of open.keys()) socket.destroy();
    },
    stopReading() {
      for (const socket of open.keys()) socket.pause();
    },
    interject(text) {
      for (const speak of open.values()) speak(text);
    },
    until(what, fact) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (!fact()) return;
          stop();
          resolve();
        };
        const limit = setTimeout(() => {
          stop();
          reject(new Error(`waited ${WAIT_MS} ms for: ${what}; the peer saw:\n${log.join('\n')}`));
        }, WAIT_MS);
        const stop = (): void => {
          clearTimeout(limit);
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      });
    },
    untilLogged(start) {
      return this.until(start, () => log.some((entry) => entry.startsWith(start)));
    },
    async close() {
      for (const socket of open.keys()) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  return server;
}

/** RFC 5321 section 4.5.2, the other way round. */
function unstuffed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/(^|\r\n)\./g, '$1'), 'latin1');
}
