import type { Phase } from '../../model/reply.ts';
import { DEFERRED, MINUTE_MS, REFUSED, type ReplyRule } from './rule.ts';
import { BLOCK_LIST } from './text.ts';

const OPENING: readonly Phase[] = ['connect', 'greeting', 'ehlo', 'starttls'];
const BEFORE_RCPT: readonly Phase[] = [...OPENING, 'auth', 'mail'];
const LOGIN_HINT = 'Check user and password of this sender; some providers want an app password, or SMTP AUTH switched on.';

/**
 * Replies about the connection and our login, told by when they come: before a server has heard of a mail it can't have
 * judged it. They stand behind a provider's own rules and before the general codes.
 */
// biome-ignore format: a rule is a row
export const SESSION_RULES: readonly ReplyRule[] = [
  { id: 'too-many-connections', codes: DEFERRED, phrases: ['too many connections', 'too many concurrent', 'concurrent connections', 'connection limit'],
    blame: 'session', action: 'reconnect', isCrowd: true },

  // RFC 4954 section 6: 454 is a temporary failure of the server's own, and says nothing about the secret.
  { id: 'auth-later', codes: DEFERRED, phases: ['auth'], blame: 'account', action: 'throttle' },
  // What we are, not what we send: the same mail passes once the account is mended, so no attempt is used up.
  { id: 'auth-refused', codes: REFUSED, phases: ['auth'], blame: 'account', action: 'pause', hint: LOGIN_HINT },
  { id: 'auth-invalid', codes: [[534, 538]], phases: BEFORE_RCPT, blame: 'account', action: 'pause', hint: LOGIN_HINT },
  { id: 'tls-wanted', codes: [530], phases: BEFORE_RCPT, phrases: ['starttls'],
    blame: 'local', action: 'pause', hint: 'This server takes mail over TLS only: let the transport URL of this sender use it.' }, // RFC 3207 section 4
  { id: 'auth-wanted', codes: [530], phases: BEFORE_RCPT,
    blame: 'account', action: 'pause', hint: 'This server wants a login: give the transport URL of this sender a user and a password.' },
  { id: 'tls-unavailable', codes: [454], phases: ['starttls'], blame: 'site', action: 'network' }, // RFC 3207 section 4

  { id: 'blocked-at-opening', phases: OPENING, phrases: BLOCK_LIST.phrases, blame: 'source', action: 'pause', hint: BLOCK_LIST.hint },
  // The server is busy or going down (RFC 5321 section 3.8): every mail would meet the same, so the sender waits and no mail is counted.
  { id: 'busy-at-opening', codes: [421], phases: OPENING, blame: 'site', action: 'throttle' },
  // RFC 5321 section 3.1 lets a server refuse us as a whole; it did not judge this mail, so the mail is not dead of it.
  { id: 'opening-refused', phases: OPENING, blame: 'site', action: 'retry', isPeerFailure: true },

  // An idle connection that the server closes just when we use it again (RFC 5321 section 4.5.3.2.7).
  { id: 'idle-closed', codes: [421], phases: ['mail'], onReusedOnly: true, blame: 'session', action: 'reconnect' },
  // Commands out of order: what came before on this connection is not what we think it was.
  { id: 'out-of-order', codes: [503], blame: 'session', action: 'reconnect', reconnectsMax: 1 },
  // Of an HTTP provider (RFC 6585 section 4); SMTP has no such code.
  { id: 'too-many-requests', codes: [429], blame: 'account', action: 'throttle', waitMs: MINUTE_MS },
];
