import { DEFERRED, HOUR_MS, REFUSED, type ReplyRule } from './rule.ts';
import { GREYLIST_PHRASES } from './text.ts';

/**
 * Meanings of enhanced codes (RFC 3463 and the IANA registry of RFC 5248), for servers without rules of their own. Codes
 * that say too little to act on, such as x.7.1, are left to the text.
 */
// biome-ignore format: a rule is a row
export const STATUS_RULES: readonly ReplyRule[] = [
  { id: 'greylist-status', codes: [450, 451], status: ['7.0-1', '2.0', '3.2'], phrases: GREYLIST_PHRASES, blame: 'recipient', action: 'greylist' },

  { id: 'no-mailbox', codes: REFUSED, status: ['1.1-3', '1.6', '1.10'], blame: 'recipient', action: 'bounce' }, // 1.10: a null MX, RFC 7505 section 4.2
  { id: 'mailbox-disabled', codes: REFUSED, status: ['2.1'], blame: 'recipient', action: 'bounce' },
  // Full today, empty tomorrow: an address is not dead of it, even where the server says so with a 5.
  { id: 'mailbox-full', status: ['2.2'], blame: 'recipient', action: 'retry', waitMs: HOUR_MS },
  { id: 'sender-address', codes: REFUSED, status: ['1.7-8'],
    blame: 'identity', action: 'reject', hint: 'The address this mail is from is refused: see that it exists, and that its domain has an MX or A record.' },

  { id: 'too-large', codes: REFUSED, status: ['2.3', '3.4'], blame: 'message', action: 'reject', hint: 'Make the message smaller.' },
  { id: 'content-form', codes: REFUSED, status: ['6.0-9'], blame: 'message', action: 'reject', hint: 'The form of this message is refused; the reply says what of it.' },

  { id: 'too-many-recipients-status', codes: [452, 552], status: ['5.3'], blame: 'session', action: 'reconnect' },
  { id: 'site-trouble', codes: DEFERRED, status: ['3.0-2', '3.5', '4.0-7'], blame: 'site', action: 'retry' },
  { id: 'routing-loop', codes: REFUSED, status: ['4.6'],
    blame: 'site', action: 'reject', hint: 'Mail to this domain runs in a circle at the other side, and its operator has to mend that.' },

  { id: 'encryption-needed', status: ['7.10'], blame: 'local', action: 'pause', hint: 'This server wants TLS: let the transport URL of this sender use it.' },
  { id: 'dkim-failed', status: ['7.20-22'], blame: 'identity', action: 'pause', hint: 'Sign with the DKIM key that is published for {domain}.' }, // RFC 7372 section 3.1
  { id: 'spf-failed', status: ['7.23-24'], blame: 'identity', action: 'pause', hint: 'Publish an SPF record for {domain} that names the server its mail leaves from.' }, // RFC 7372 section 3.2
  { id: 'ptr-missing', status: ['7.25'], blame: 'source', action: 'pause', hint: 'The IP address this mail leaves from needs a PTR record that leads back to it.' }, // RFC 7372 section 3.3
  { id: 'unauthenticated', status: ['7.26'], blame: 'identity', action: 'pause', hint: 'Publish SPF for {domain} and sign its mail with DKIM.' }, // RFC 7372 section 3.4
  { id: 'sender-takes-no-mail', status: ['7.27'],
    blame: 'identity', action: 'pause', hint: '{domain} says that it takes no mail (a null MX), so nobody takes mail from it: give it a real MX record.' }, // RFC 7505 section 4.2
  { id: 'mail-flood', codes: DEFERRED, status: ['7.28'], blame: 'account', action: 'throttle' },
];
