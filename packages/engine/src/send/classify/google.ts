import { DEFERRED, HOUR_MS, MINUTE_MS, REFUSED, type ReplyRule, SECOND_MS } from './rule.ts';

/**
 * Gmail, Google Workspace and its relay. Source: support.google.com/a/answer/3726730 ("Gmail SMTP errors and codes"), and
 * Sisimai's Rhost/Google for what the relay says; as of 2026-08.
 */
export const GOOGLE_SUFFIXES: readonly string[] = ['.google.com', '.gmail.com', '.googlemail.com', '.smtp.goog'];

// biome-ignore format: a rule is a row
export const GOOGLE_RULES: readonly ReplyRule[] = [
  // An unusual rate: the text names of what, and only that slows down. Order matters: each text says "unusual rate" too.
  { id: 'google-rate-message-id', codes: [421], status: ['7.28'], phrases: ['message-id'],
    blame: 'message', action: 'throttle', waitMs: HOUR_MS, hint: 'The same Message-ID came too often: every message needs one of its own.' },
  { id: 'google-rate-domain', codes: [421], status: ['7.28'], phrases: ['spf domain', 'dkim domain', 'url'],
    blame: 'identity', action: 'throttle', waitMs: 30 * MINUTE_MS, hint: 'Google sees too much unwanted mail from {domain}: send less from it, and to people who want it.' },
  { id: 'google-rate-source', codes: [421], status: ['7.28'],
    blame: 'source', action: 'throttle', waitMs: 30 * MINUTE_MS, hint: 'Google sees too much unwanted mail from this IP address: send less through it.' },
  { id: 'google-tls', status: ['7.29'], blame: 'local', action: 'pause', hint: 'Google wants TLS: let the transport URL of this sender use it.' },
  { id: 'google-tls-text', codes: [421], status: ['7.0'], phrases: ['tls required', 'require tls', 'starttls'],
    blame: 'local', action: 'pause', hint: 'Google wants TLS: let the transport URL of this sender use it.' },
  // A bad reputation is called suspicious too, so it comes before what the mail says.
  { id: 'google-reputation-domain', codes: [421], status: ['7.0'], phrases: ['reputation of the sending domain', 'reputation of the domain'],
    blame: 'identity', action: 'throttle', waitMs: 45 * MINUTE_MS, hint: '{domain} has a very low reputation at Google: see Postmaster Tools.' },
  { id: 'google-reputation', codes: [421], status: ['7.0'], phrases: ['unusual rate', 'reputation', 'unsolicited'],
    blame: 'source', action: 'throttle', waitMs: 45 * MINUTE_MS, hint: 'The sending IP address has a very low reputation at Google: see Postmaster Tools.' },
  { id: 'google-content', codes: [421], status: ['7.0'], phrases: ['suspicious', 'content', 'links'], blame: 'message', action: 'retry' },
  { id: 'google-try-later', codes: [421], status: ['7.0'], blame: 'source', action: 'throttle', waitMs: 45 * MINUTE_MS },

  { id: 'google-ptr', status: ['7.25'], blame: 'source', action: 'pause', hint: 'The sending IP address needs a PTR record whose name leads back to it.' },
  { id: 'google-spf', status: ['7.23-24', '7.27'], blame: 'identity', action: 'pause', hint: 'Publish an SPF record for {domain} that names the server its mail leaves from.' },
  { id: 'google-unauthenticated', status: ['7.26'], blame: 'identity', action: 'pause', hint: 'Publish SPF for {domain} and sign its mail with DKIM.' },
  { id: 'google-dkim', status: ['7.30'], blame: 'identity', action: 'pause', hint: 'Sign the mail of {domain} with DKIM, and publish the key.' },
  { id: 'google-dmarc', status: ['7.31', '7.40'], blame: 'identity', action: 'pause', hint: 'Publish a DMARC record at _dmarc.{domain}.' },
  { id: 'google-alignment', status: ['7.32'], blame: 'identity', action: 'pause', hint: 'SPF or DKIM has to pass for {domain} itself, the domain in From.' },

  // The same 4.2.1 is the customer's peak at the relay, and one recipient's flood everywhere else.
  { id: 'google-relay-peak', codes: [450], status: ['2.1'], phrases: ['peak'], blame: 'account', action: 'throttle', waitMs: 10 * MINUTE_MS },
  { id: 'google-recipient-rate', codes: [450], status: ['2.1'], blame: 'recipient', action: 'throttle', waitMs: HOUR_MS },
  { id: 'google-recipient-rate-550', codes: [550], status: ['2.1'], phrases: ['rate that', 'too quickly'],
    blame: 'recipient', action: 'retry', waitMs: HOUR_MS, onceOnly: true },
  { id: 'google-no-mailbox', codes: REFUSED, status: ['1.1-2', '2.1'], blame: 'recipient', action: 'bounce' },
  { id: 'google-mailbox-full', codes: [452, 552], status: ['2.2'], blame: 'recipient', action: 'retry', waitMs: HOUR_MS },

  { id: 'google-recipients', codes: [452, 550], status: ['5.3'], blame: 'session', action: 'reconnect' },
  { id: 'google-site', codes: DEFERRED, status: ['3.0', '4.5'], blame: 'site', action: 'retry' },

  // The window frees bit by bit; nobody is told when, and a day is the most.
  { id: 'google-daily', codes: [550], status: ['4.5'],
    blame: 'account', action: 'throttle', waitMs: HOUR_MS, hint: 'This account has sent all it may in 24 hours. Lower the limits of this sender so that it stops earlier.' },
  { id: 'google-relay-daily', codes: [550], status: ['7.1'], phrases: ['daily', 'relay limit', 'relay quota', 'limit exceeded'],
    blame: 'account', action: 'throttle', waitMs: HOUR_MS, hint: 'The Workspace relay has carried all it may in 24 hours. Lower the limits of this sender.' },
  { id: 'google-login-rate', codes: [454], status: ['7.0'], phases: ['auth'], blame: 'account', action: 'throttle', waitMs: 10 * MINUTE_MS + 10 * SECOND_MS },
  { id: 'google-login', codes: [534, 535], status: ['7.8-9', '7.14'],
    blame: 'account', action: 'pause', hint: 'Google wants an app password (myaccount.google.com/apppasswords) or OAuth 2.0 here, or a login in a browser first.' },
];
