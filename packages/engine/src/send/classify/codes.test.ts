import { expect, it } from 'vitest';
import type { Phase } from '../../model/reply.ts';
import { classify } from '../classify.ts';
import { PROVIDERS, providerOf } from './providers.ts';
import { HOUR_MS, MINUTE_MS } from './rule.ts';

/** One row a code that a provider documents or is known to send, with its words; the last rows are codes that collide. */
type Row = readonly [
  peer: string,
  phase: Phase,
  reply: string,
  expected: { readonly is: string; readonly waitMs?: number; readonly isCrowd?: true; readonly suppresses?: true; readonly says?: string },
];

const GMAIL = 'smtp.gmail.com:587';
const GMAIL_MX = 'gmail-smtp-in.l.google.com:25';
const RELAY = 'smtp-relay.gmail.com:587';
const OUTLOOK = 'hotmail-com.olc.protection.outlook.com:25';
const EXCHANGE = 'smtp.office365.com:587';
const YAHOO = 'mta5.am0.yahoodns.net:25';
const APPLE = 'smtp.mail.me.com:587';
const SES = 'email-smtp.eu-central-1.amazonaws.com:587';
const ANY = 'mx.example:25';

const RATE = '4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your';
const DENIED = "5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider";

// biome-ignore format: a code is a row
const ROWS: readonly Row[] = [
  // Google
  [GMAIL_MX, 'dot', `421 ${RATE} IP address.`, { is: 'source throttle', waitMs: 30 * MINUTE_MS }],
  [GMAIL_MX, 'dot', `421 ${RATE} IP Netblock [192.0.2.0/24].`, { is: 'source throttle', waitMs: 30 * MINUTE_MS }],
  [GMAIL_MX, 'dot', `421 ${RATE} SPF domain [x.example].`, { is: 'identity throttle', waitMs: 30 * MINUTE_MS }],
  [GMAIL_MX, 'dot', `421 ${RATE} DKIM domain [x.example].`, { is: 'identity throttle', waitMs: 30 * MINUTE_MS }],
  [GMAIL_MX, 'dot', '421 4.7.28 Gmail has detected an unusual rate of unsolicited mail containing one of your URL domains.', { is: 'identity throttle' }],
  [GMAIL_MX, 'dot', '421 4.7.28 Gmail has detected an unusual rate of messages with the same Message-ID.', { is: 'message throttle', says: 'Message-ID' }],
  [GMAIL_MX, 'connect', '421 4.7.0 This message was blocked because its IP address has a very low reputation; try again later.', { is: 'source throttle', waitMs: 45 * MINUTE_MS }],
  [GMAIL_MX, 'dot', '421 4.7.0 Our system has detected an unusual rate of unsolicited mail. Try again later.', { is: 'source throttle', waitMs: 45 * MINUTE_MS }],
  [GMAIL_MX, 'dot', '421 4.7.0 blocked due to the very low reputation of the sending domain.', { is: 'identity throttle', waitMs: 45 * MINUTE_MS }],
  [GMAIL_MX, 'dot', '421 4.7.0 This message is suspicious due to the very low reputation of the sending IP address.', { is: 'source throttle', waitMs: 45 * MINUTE_MS }],
  [GMAIL_MX, 'dot', '421 4.7.0 This message is suspicious due to the very low reputation of the sending domain.', { is: 'identity throttle', waitMs: 45 * MINUTE_MS }],
  [GMAIL_MX, 'ehlo', '421 4.7.0 Try again later, closing connection.', { is: 'source throttle', waitMs: 45 * MINUTE_MS }],
  [GMAIL_MX, 'dot', '421 4.7.0 This message is suspicious due to the nature of the content or the links within.', { is: 'message retry' }],
  [GMAIL_MX, 'mail', '421 4.7.0 TLS required for RCPT domain', { is: 'local pause', says: 'TLS' }],
  [GMAIL_MX, 'mail', '421 4.7.29 Email has been rate limited because it was not sent over a TLS connection', { is: 'local pause', says: 'TLS' }],
  [GMAIL_MX, 'mail', '550 5.7.29 Email has been blocked because it was not sent over a TLS connection', { is: 'local pause', says: 'TLS' }],
  [GMAIL_MX, 'dot', '421 4.7.23 The sending IP does not match the IP of its SPF record', { is: 'identity pause', says: 'SPF' }],
  [GMAIL_MX, 'dot', '550 5.7.25 The IP address sending this message does not have a PTR record', { is: 'source pause', says: 'PTR' }],
  [GMAIL_MX, 'dot', '421 4.7.25 The IP address sending this message does not have a PTR record', { is: 'source pause', says: 'PTR' }],
  [GMAIL_MX, 'dot', '550 5.7.24 The SPF record of the sending domain has suspicious entries', { is: 'identity pause', says: 'SPF' }],
  [GMAIL_MX, 'dot', '451 4.7.24 The SPF record of the sending domain has suspicious entries', { is: 'identity pause', says: 'SPF' }],
  [GMAIL_MX, 'dot', '550 5.7.26 This mail is unauthenticated', { is: 'identity pause', says: 'DKIM' }],
  [GMAIL_MX, 'dot', '451 4.7.26 This mail has been rate limited because it is unauthenticated', { is: 'identity pause', says: 'DKIM' }],
  [GMAIL_MX, 'dot', '550 5.7.27 SPF did not pass', { is: 'identity pause', says: 'SPF' }],
  [GMAIL_MX, 'dot', '421 4.7.27 SPF did not pass', { is: 'identity pause', says: 'SPF' }],
  [GMAIL_MX, 'dot', '421 4.7.30 DKIM did not pass', { is: 'identity pause', says: 'DKIM' }],
  [GMAIL_MX, 'dot', '550 5.7.31 no DMARC policy', { is: 'identity pause', says: 'DMARC' }],
  [GMAIL_MX, 'dot', '550 5.7.40 no DMARC record', { is: 'identity pause', says: 'DMARC' }],
  [GMAIL_MX, 'dot', '421 4.7.32 From: header is not aligned', { is: 'identity pause', says: 'From' }],
  [GMAIL_MX, 'rcpt', '450 4.2.1 The user is receiving mail too quickly', { is: 'recipient throttle', waitMs: HOUR_MS }],
  [GMAIL_MX, 'rcpt', '450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages', { is: 'recipient throttle', waitMs: HOUR_MS }],
  [GMAIL_MX, 'rcpt', '550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages', { is: 'recipient retry', waitMs: HOUR_MS }],
  [GMAIL_MX, 'rcpt', '452 4.5.3 Too many recipients', { is: 'session reconnect' }],
  [GMAIL, 'rcpt', '550 5.5.3 Too many recipients for this sender', { is: 'session reconnect' }],
  [GMAIL_MX, 'rcpt', '452 4.5.3 Domain policy size per transaction exceeded', { is: 'session reconnect' }],
  [GMAIL_MX, 'rcpt', '452 4.2.2 The recipient is out of storage', { is: 'recipient retry', waitMs: HOUR_MS }],
  [GMAIL_MX, 'rcpt', '552 5.2.2 The recipient is over quota', { is: 'recipient retry', waitMs: HOUR_MS }],
  [GMAIL_MX, 'dot', '421 4.3.0 Temporary System Problem. Try again later', { is: 'site retry' }],
  [GMAIL_MX, 'dot', '421 4.4.5 Server busy, try again later', { is: 'site retry' }],
  [GMAIL_MX, 'rcpt', '451 4.3.0 Multiple destination domains per transaction is unsupported', { is: 'site retry' }],
  [GMAIL, 'dot', '550 5.4.5 Daily user sending limit exceeded', { is: 'account throttle', waitMs: HOUR_MS }],
  [RELAY, 'dot', '550 5.4.5 Daily SMTP relay sending limit exceeded for user', { is: 'account throttle', waitMs: HOUR_MS }],
  [RELAY, 'mail', '550 5.7.1 Daily SMTP relay limit exceeded for customer', { is: 'account throttle', waitMs: HOUR_MS }],
  [RELAY, 'mail', '450 4.2.1 Peak SMTP relay limit exceeded for customer', { is: 'account throttle', waitMs: 10 * MINUTE_MS }],
  [GMAIL, 'auth', '454 4.7.0 Too many login attempts, please try again later', { is: 'account throttle' }],
  [GMAIL, 'auth', '535 5.7.8 Username and Password not accepted', { is: 'account pause', says: 'app password' }],
  [GMAIL, 'auth', '534 5.7.9 Application-specific password required', { is: 'account pause', says: 'app password' }],
  [GMAIL, 'auth', '534 5.7.14 Please log in via your web browser', { is: 'account pause', says: 'browser' }],
  [GMAIL_MX, 'rcpt', '550 5.1.1 The email account that you tried to reach does not exist', { is: 'recipient bounce', suppresses: true }],
  [GMAIL_MX, 'rcpt', '553 5.1.2 We were not able to find the recipient domain', { is: 'recipient bounce', suppresses: true }],
  [GMAIL_MX, 'rcpt', '550 5.2.1 The email account that you tried to reach is disabled', { is: 'recipient bounce', suppresses: true }],
  [GMAIL_MX, 'rcpt', '550 5.2.1 The email account that you tried to reach is inactive', { is: 'recipient bounce', suppresses: true }],

  // Outlook.com
  [OUTLOOK, 'mail', '451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation (S775)', { is: 'source throttle', waitMs: 90 * MINUTE_MS }],
  [OUTLOOK, 'mail', '451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited (S3114)', { is: 'source throttle', waitMs: 90 * MINUTE_MS }],
  [OUTLOOK, 'mail', '421 Temporarily rate limited (S775)', { is: 'source throttle', waitMs: 90 * MINUTE_MS }],
  [OUTLOOK, 'connect', '421 RP-001 (SNT004-MC1F1) Unfortunately, some messages from 192.0.2.1 weren’t sent', { is: 'source throttle', waitMs: HOUR_MS }],
  [OUTLOOK, 'connect', '421 RP-002 (SNT004-MC1F1) connection rate', { is: 'source throttle', waitMs: HOUR_MS }],
  [OUTLOOK, 'connect', '421 RP-003 (SNT004-MC1F1) too many connections', { is: 'source throttle', waitMs: HOUR_MS }],
  [OUTLOOK, 'mail', `550 ${DENIED} (S3140)`, { is: 'source pause', says: 'sendersupport' }],
  [OUTLOOK, 'mail', `550 ${DENIED} (S3150)`, { is: 'source pause', says: 'sendersupport' }],
  [OUTLOOK, 'dot', '550 5.7.515 Access denied, sending domain x.example does not meet the required authentication level', { is: 'identity pause', says: 'DMARC' }],

  // Exchange Online
  [EXCHANGE, 'mail', '451 4.7.500 Server busy. Please try again later from [192.0.2.1]', { is: 'source throttle', waitMs: 20 * MINUTE_MS }],
  [EXCHANGE, 'mail', '451 4.7.700 PFA agent busy', { is: 'source throttle', waitMs: 20 * MINUTE_MS }],
  [EXCHANGE, 'mail', '451 4.7.850 Access denied, please try again later', { is: 'source throttle', waitMs: 20 * MINUTE_MS }],
  [EXCHANGE, 'mail', '451 4.7.899 Access denied, please try again later', { is: 'source throttle', waitMs: 20 * MINUTE_MS }],
  [EXCHANGE, 'mail', '432 4.3.2 Concurrent connections limit exceeded', { is: 'account reconnect', isCrowd: true }],
  [EXCHANGE, 'dot', '421 4.3.2 STOREDRV; sender thread limit exceeded', { is: 'account reconnect', isCrowd: true }],
  [EXCHANGE, 'dot', '451 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded', { is: 'recipient throttle', waitMs: HOUR_MS }],
  [EXCHANGE, 'rcpt', '550 5.2.121 Recipient has exceeded their limit on email from this sender', { is: 'recipient throttle', waitMs: HOUR_MS }],
  [EXCHANGE, 'rcpt', '550 5.2.122 Recipient has exceeded their limit for email', { is: 'recipient throttle', waitMs: HOUR_MS }],
  [EXCHANGE, 'dot', '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException', { is: 'account throttle', waitMs: HOUR_MS }],
  [EXCHANGE, 'dot', '550 5.1.90 Your message can’t be sent because you have reached your daily limit for message recipients', { is: 'account throttle', waitMs: HOUR_MS }],
  [EXCHANGE, 'dot', '554 5.2.2 mailbox full; submission quota exceeded', { is: 'account throttle', waitMs: HOUR_MS }],
  [EXCHANGE, 'dot', '550 5.7.233 Tenant external recipient rate limit exceeded', { is: 'account throttle', waitMs: HOUR_MS }],
  ...['5.7.501', '5.7.502', '5.7.503', '5.7.508', '5.7.511', '5.7.606', '5.7.649', '5.7.700', '5.7.705', '5.7.750'].map(
    (status): Row => [EXCHANGE, 'mail', `550 ${status} Access denied, banned sender`, { is: 'source pause', says: 'Microsoft' }],
  ),
  [EXCHANGE, 'dot', '550 5.7.509 Access denied, sending domain does not pass DMARC verification', { is: 'identity pause', says: 'DMARC' }],
  [EXCHANGE, 'dot', '550 5.7.23 The message was rejected because of Sender Policy Framework violation', { is: 'identity pause', says: 'SPF' }],
  [EXCHANGE, 'dot', '550 5.7.25 The sending IPv6 address must have reverse DNS', { is: 'source pause', says: 'PTR' }],
  [EXCHANGE, 'rcpt', '550 5.4.1 Recipient address rejected: Access denied', { is: 'recipient bounce', suppresses: true }],
  [EXCHANGE, 'dot', '550 5.6.11 Invalid characters: bare linefeed', { is: 'message reject', says: 'bare LF' }],
  [EXCHANGE, 'auth', '535 5.7.139 SmtpClientAuthentication is disabled for the Tenant', { is: 'account pause', says: 'SMTP AUTH' }],

  // Yahoo and AOL
  [YAHOO, 'mail', '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints', { is: 'source throttle', waitMs: 2 * HOUR_MS }],
  [YAHOO, 'mail', '421 4.7.0 [TS01] Messages from 192.0.2.1 temporarily deferred', { is: 'source throttle', waitMs: 2 * HOUR_MS }],
  [YAHOO, 'mail', '421 4.16.55 [TS01] Messages from 192.0.2.1 temporarily deferred', { is: 'source throttle', waitMs: 2 * HOUR_MS }],
  [YAHOO, 'mail', '421 4.7.0 [IPTS04] Messages from 192.0.2.1 temporarily deferred', { is: 'source throttle', waitMs: 2 * HOUR_MS }],
  [YAHOO, 'mail', '421 4.7.0 [TSS05] Messages from 192.0.2.1 temporarily deferred', { is: 'source throttle', waitMs: 4 * HOUR_MS }],
  [YAHOO, 'mail', '421 4.16.56 [TS02] Messages from 192.0.2.1 temporarily deferred', { is: 'source throttle', waitMs: 30 * MINUTE_MS }],
  [YAHOO, 'mail', '421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred', { is: 'source pause', says: 'review' }],
  [YAHOO, 'connect', '553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus', { is: 'source pause' }],
  [YAHOO, 'mail', '451 Max messages per connection reached', { is: 'session reconnect' }],

  // Apple
  [APPLE, 'mail', '451 4.7.1 [BS02] Excessive volume', { is: 'source throttle', waitMs: 15 * MINUTE_MS }],
  [APPLE, 'mail', '421 4.7.1 [HCM1] Try again later', { is: 'source throttle', waitMs: 15 * MINUTE_MS }],
  [APPLE, 'dot', '450 Exceeded sending limit', { is: 'account throttle' }],
  [APPLE, 'dot', '550 5.7.1 User has exceeded the sending limit', { is: 'account throttle', waitMs: HOUR_MS }],

  // Amazon SES
  [SES, 'dot', '454 Throttling failure: Maximum sending rate exceeded', { is: 'account throttle', waitMs: 5_000 }],
  [SES, 'dot', '454 Throttling failure: Daily message quota exceeded', { is: 'account throttle', waitMs: HOUR_MS }],
  [SES, 'dot', '429 ThrottlingException: Maximum sending rate exceeded', { is: 'account throttle', waitMs: 5_000 }],
  [SES, 'dot', '554 Message rejected: Email address is not verified. The following identities failed the check', { is: 'identity reject', says: 'sandbox' }],

  // Everybody else
  [ANY, 'greeting', '421 Too busy', { is: 'site throttle' }],
  [ANY, 'ehlo', '421 4.3.2 Shutting down', { is: 'site throttle' }],
  [ANY, 'rcpt', '450 4.7.1 Client host greylisted', { is: 'recipient greylist' }],
  [ANY, 'rcpt', '451 4.7.1 Greylisting in action, please come back in 00:05:00', { is: 'recipient greylist' }],
  [ANY, 'auth', '535 Authentication failed', { is: 'account pause' }],
  [ANY, 'auth', '534 Mechanism too weak', { is: 'account pause' }],
  [ANY, 'mail', '530 Authentication required', { is: 'account pause' }],
  [ANY, 'mail', '503 Bad sequence of commands', { is: 'session reconnect' }],
  [ANY, 'dot', '554 5.7.1 Message content rejected', { is: 'message reject' }],
  [ANY, 'dot', '550 5.7.1 Looks like spam', { is: 'message reject' }],
  [ANY, 'rcpt', '550 5.1.1 No such user', { is: 'recipient bounce', suppresses: true }],
  [ANY, 'rcpt', '550 5.1.3 Bad address syntax', { is: 'recipient bounce', suppresses: true }],
  [ANY, 'rcpt', '550 5.1.6 Moved, no forwarding address', { is: 'recipient bounce', suppresses: true }],
  [ANY, 'rcpt', '556 5.1.10 Recipient address has a null MX', { is: 'recipient bounce', suppresses: true }],
  [ANY, 'rcpt', '550 No such user here', { is: 'recipient reject' }], // without an enhanced code no address is given up
  [ANY, 'dot', '552 5.3.4 Message too big', { is: 'message reject', says: 'smaller' }],
  [ANY, 'connect', '421 4.7.0 Too many connections from your host', { is: 'session reconnect', isCrowd: true }],
  [ANY, 'dot', '599 Never heard of', { is: 'message reject' }],
  [ANY, 'dot', '499 Never heard of', { is: 'message retry' }],

  // One code, several meanings
  [GMAIL, 'auth', '454 4.7.0 Temporary authentication failure', { is: 'account throttle' }],
  [ANY, 'starttls', '454 4.7.0 TLS not available due to temporary reason', { is: 'site network' }],
  [GMAIL_MX, 'dot', '550 5.7.30 Your email has been blocked: DKIM missing', { is: 'identity pause', says: 'DKIM' }],
  [EXCHANGE, 'auth', '550 5.7.30 Basic authentication is not supported for Client Submission', { is: 'account pause', says: 'OAuth' }],
  [ANY, 'rcpt', '452 4.2.2 Mailbox full', { is: 'recipient retry', waitMs: HOUR_MS }],
  [ANY, 'rcpt', '452 4.5.3 Too many recipients', { is: 'session reconnect' }],
  [ANY, 'mail', '452 4.3.1 Insufficient system storage', { is: 'site retry' }],
  [ANY, 'rcpt', '552 Too much', { is: 'session reconnect' }],
  [ANY, 'dot', '552 Too much', { is: 'message reject' }],
  [ANY, 'dot', '552 5.2.2 Mailbox full', { is: 'recipient retry', waitMs: HOUR_MS }],
  [ANY, 'rcpt', '550 5.7.1 Client host blocked using zen.spamhaus.org', { is: 'source pause', says: 'block list' }],
  [ANY, 'rcpt', '550 5.7.1 Relaying denied', { is: 'message reject' }],
  [ANY, 'dot', '421 Service not available, closing transmission channel', { is: 'site retry' }],
  [ANY, 'rcpt', '550 4.1.1 The classes differ', { is: 'recipient bounce', suppresses: true }],
];

it.each(ROWS)('%s at %s: %s', (peer, phase, written, { is, waitMs, isCrowd, suppresses = false, says = '' }) => {
  const [, code = '', text = ''] = /^(\d{3}) (.*)$/.exec(written) ?? [];
  const facts = { peer, tls: 'none', isReused: false, durationMs: 5 };
  const verdict = classify({ kind: 'refused', phase, reply: { code: Number(code), text }, refused: [], facts });
  if (verdict.kind !== 'refused') throw new Error(`expected a refusal, got ${verdict.kind}`);
  const { rule, suppresses: doesSuppress } = verdict.refusal;
  expect({ is: `${rule.blame} ${rule.action}`, isCrowd: rule.isCrowd, doesSuppress }).toEqual({ is, isCrowd, doesSuppress: suppresses });
  if (waitMs !== undefined) expect(rule.waitMs).toBe(waitMs);
  expect(rule.hint ?? '').toContain(says);
});

it('has a row for every rule of a provider', () => {
  const used = ROWS.map(([peer, phase, written]) => {
    const facts = { peer, tls: 'none', isReused: false, durationMs: 5 };
    const reply = { code: Number(written.slice(0, 3)), text: written.slice(4) };
    const verdict = classify({ kind: 'refused', phase, reply, refused: [], facts });
    return verdict.kind === 'refused' ? verdict.refusal.rule.id : '';
  });
  const rules = PROVIDERS.flatMap((provider) => provider.rules.map(({ id }) => id));
  expect(rules.filter((id) => !used.includes(id))).toEqual([]);
});

it.each([
  ['smtp.gmail.com:587', 'google'],
  ['SMTP.GMAIL.COM.:465', 'google'],
  ['outlook-com.olc.protection.outlook.com:25', 'microsoft'],
  ['mx-aol.mail.gm0.yahoodns.net:25', 'yahoo'],
  ['notgmail.com:25', undefined],
  ['gmail.com.evil.example:25', undefined],
  ['[2001:db8::1]:25', undefined],
  ['unknown', undefined],
])('takes %s for a server of %s', (peer, id) => {
  expect(providerOf(peer)?.id).toBe(id);
});
