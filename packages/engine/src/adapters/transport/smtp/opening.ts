import type { FailureCause, Phase, Reply } from '../../../model/reply.ts';
import { type Login, loginWith, mechanismOf } from './auth.ts';
import { type Extensions, extensionsOf, helloName, NO_EXTENSIONS } from './hello.ts';
import { type RawReply, replyOf } from './replies.ts';
import type { SmtpSettings } from './url.ts';

/** What a session needs of its connection. Each `ask` waits for one reply, and so nothing is pipelined (RFC 3207 section 4.2). */
export interface Asker {
  ask(phase: Phase, command: string | undefined, answered: (reply: RawReply) => void): void;
  startTls(secured: () => void): void;
  enter(phase: Phase): void;
  /** Nothing was received beyond the last reply. */
  isQuiet(): boolean;
  localAddress(): string | undefined;
  isOver(): boolean;
}

export type Opened =
  | { readonly kind: 'ready'; readonly extensions: Extensions }
  | { readonly kind: 'refused'; readonly phase: Phase; readonly reply: Reply }
  | { readonly kind: 'failed'; readonly phase: Phase; readonly cause: FailureCause; readonly detail: string };

export interface OpeningPlan {
  readonly settings: SmtpSettings;
  readonly accessToken?: () => Promise<string>;
}

/** From the greeting to a session that may say MAIL: greeting, EHLO, STARTTLS and EHLO again, AUTH. Calls `done` once. */
export function openSession(line: Asker, { settings, accessToken }: OpeningPlan, done: (opened: Opened) => void): void {
  let isSecure = settings.tls === 'implicit';
  greet();

  function greet(): void {
    line.ask('greeting', undefined, (reply) => {
      if (reply.code === 220) hello();
      else no('greeting', reply);
    });
  }

  function hello(): void {
    const name = settings.helloName ?? helloName(line.localAddress());
    line.ask('ehlo', `EHLO ${name}`, (reply) => {
      if (isPositive(reply)) secure(extensionsOf(reply.lines));
      else if (reply.code >= 500) helloAsOfOld(name);
      else no('ehlo', reply);
    });
  }

  /** RFC 5321 section 3.2: a server that knows no EHLO is asked with HELO, and has no extensions. */
  function helloAsOfOld(name: string): void {
    line.ask('ehlo', `HELO ${name}`, (reply) => {
      if (isPositive(reply)) secure(NO_EXTENSIONS);
      else no('ehlo', reply);
    });
  }

  function secure(offered: Extensions): void {
    if (isSecure || settings.tls === 'off') login(offered);
    else if (offered.startTls) askForTls(offered);
    else if (settings.tls === 'opportunistic') login(offered);
    else fail('starttls', 'tls', 'the server does not offer STARTTLS, which this sender requires; nothing was sent in clear');
  }

  function askForTls(offered: Extensions): void {
    line.ask('starttls', 'STARTTLS', (reply) => {
      if (reply.code === 220) handshake();
      else if (reply.code === 421) no('starttls', reply);
      else if (settings.tls === 'opportunistic')
        login(offered); // RFC 3207 section 4.1
      else fail('starttls', 'tls', `the server offers STARTTLS and refuses it: ${reply.code} ${replyOf(reply).text}`);
    });
  }

  function handshake(): void {
    if (!line.isQuiet()) {
      // Security S5: somebody between us and the server may have put these bytes there, to be read as if from inside.
      fail('starttls', 'tls', 'plain text came after the reply to STARTTLS; somebody may have injected it');
      return;
    }
    line.startTls(() => {
      isSecure = true;
      hello(); // RFC 3207 section 4.2: what was learnt before is forgotten
    });
  }

  function login(offered: Extensions): void {
    const { credentials } = settings;
    if (credentials === undefined) {
      done({ kind: 'ready', extensions: offered });
      return;
    }
    const mechanism = mechanismOf(credentials.mechanism, offered.auth);
    if (mechanism === undefined) {
      const wanted = credentials.mechanism?.toUpperCase() ?? 'PLAIN or LOGIN';
      fail('auth', 'missing', `the server offers no AUTH ${wanted}, but: ${offered.auth.join(' ') || 'none'}`);
    } else if (mechanism === 'xoauth2' && accessToken !== undefined) {
      loginWithToken(credentials.user, accessToken, offered);
    } else prove(loginWith(mechanism, credentials.user, credentials.password), offered);
  }

  /** The token is fetched under the same deadline as a reply. */
  function loginWithToken(user: string, fetchToken: () => Promise<string>, offered: Extensions): void {
    line.enter('auth');
    fetchToken().then(
      (token) => line.isOver() || prove(loginWith('xoauth2', user, token), offered),
      () => line.isOver() || fail('auth', 'refused', 'the access token could not be had: its source failed'),
    );
  }

  function prove({ command, answers }: Login, offered: Extensions): void {
    const [answer, ...later] = answers;
    line.ask('auth', command, (reply) => {
      if (isPositive(reply)) done({ kind: 'ready', extensions: offered });
      else if (reply.code === 334 && answer !== undefined) prove({ command: answer, answers: later }, offered);
      else no('auth', reply);
    });
  }

  function no(phase: Phase, reply: RawReply): void {
    if (reply.code >= 400) done({ kind: 'refused', phase, reply: replyOf(reply) });
    else fail(phase, 'malformed', `the server answered ${reply.code} at ${phase}`);
  }

  function fail(phase: Phase, cause: FailureCause, detail: string): void {
    done({ kind: 'failed', phase, cause, detail });
  }
}

function isPositive(reply: RawReply): boolean {
  return reply.code >= 200 && reply.code < 300;
}
