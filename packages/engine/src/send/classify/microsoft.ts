import { HOUR_MS, MINUTE_MS, REFUSED, type ReplyRule } from './rule.ts';

/**
 * Outlook.com and Exchange Online. Sources: learn.microsoft.com ("Non-delivery reports in Exchange Online", "SMTP submission
 * improvements"), Sisimai's Rhost/Microsoft; as of 2026-08.
 */
export const MICROSOFT_SUFFIXES: readonly string[] = ['.outlook.com', '.office365.com', '.hotmail.com', '.live.com', '.mx.microsoft'];

// biome-ignore format: a rule is a row
export const MICROSOFT_RULES: readonly ReplyRule[] = [
  { id: 'outlook-rate', codes: [451], status: ['7.650-651'], blame: 'source', action: 'throttle', waitMs: 90 * MINUTE_MS, hint: 'Outlook.com limits this IP address for its reputation: see SNDS and send less through it.' },
  { id: 'outlook-rate-token', codes: [421, 451], phrases: ['(s775)', '(s3114)', '[s775]', '[s3114]'], blame: 'source', action: 'throttle', waitMs: 90 * MINUTE_MS },
  { id: 'outlook-rp', codes: [421], phrases: ['rp-001', 'rp-002', 'rp-003'], blame: 'source', action: 'throttle', waitMs: HOUR_MS },
  { id: 'outlook-blocked', codes: [550], phrases: ['s3140', 's3150'],
    blame: 'source', action: 'pause', hint: 'Outlook.com blocks this IP address: ask for its removal at sendersupport.olc.protection.outlook.com, and slow down.' },
  { id: 'outlook-bulk-rules', codes: [550], status: ['7.515'], blame: 'identity', action: 'pause', hint: 'Outlook.com wants SPF, DKIM and DMARC to pass for {domain}.' },

  { id: 'exchange-connections', codes: [432], status: ['3.2'], blame: 'account', action: 'reconnect', isCrowd: true },
  { id: 'exchange-recipient-threads', status: ['3.2'], phrases: ['recipient thread'], blame: 'recipient', action: 'throttle', waitMs: HOUR_MS },
  { id: 'exchange-sender-threads', status: ['3.2'], phrases: ['thread limit'], blame: 'account', action: 'reconnect', isCrowd: true },
  { id: 'exchange-recipient-rate', status: ['2.121-122'], blame: 'recipient', action: 'throttle', waitMs: HOUR_MS },
  { id: 'exchange-busy', codes: [451], status: ['7.500', '7.700', '7.850-899'], blame: 'source', action: 'throttle', waitMs: 20 * MINUTE_MS },

  { id: 'exchange-day-limit', codes: [554], status: ['2.0'], phrases: ['submissionquota', 'submission quota', 'sendinglimit', 'quota', 'storedrv'],
    blame: 'account', action: 'throttle', waitMs: HOUR_MS, hint: 'This mailbox has sent all it may in 24 hours. Lower the limits of this sender so that it stops earlier.' },
  { id: 'exchange-quota', status: ['1.90'], blame: 'account', action: 'throttle', waitMs: HOUR_MS, hint: 'This mailbox has sent all it may in 24 hours.' },
  { id: 'exchange-submission-quota', status: ['2.2'], phrases: ['submission quota'], blame: 'account', action: 'throttle', waitMs: HOUR_MS },
  { id: 'exchange-tenant-quota', codes: REFUSED, status: ['7.233'], blame: 'account', action: 'throttle', waitMs: HOUR_MS, hint: 'The whole tenant has mailed all the outside recipients it may in 24 hours.' },

  { id: 'exchange-dmarc', status: ['7.509'], blame: 'identity', action: 'pause', hint: 'SPF or DKIM has to pass for {domain} itself, the domain in From (DMARC).' },
  { id: 'exchange-spf', status: ['7.23'], blame: 'identity', action: 'pause', hint: 'Publish an SPF record for {domain} that names the server its mail leaves from.' },
  { id: 'exchange-ptr', status: ['7.25'], blame: 'source', action: 'pause', hint: 'The sending IP address needs a PTR record whose name leads back to it.' },
  { id: 'exchange-basic-auth', codes: [550, 535], status: ['7.30'], blame: 'account', action: 'pause', hint: 'Microsoft takes no password here any more: use OAuth 2.0, or a connector.' },
  { id: 'exchange-smtp-auth-off', codes: [535], status: ['7.139'], blame: 'account', action: 'pause', hint: 'SMTP AUTH is off for this mailbox or tenant: the administrator can turn it on, or use OAuth 2.0.' },
  { id: 'exchange-blocked', status: ['7.501-503', '7.508', '7.511', '7.606-649', '7.700-799'],
    blame: 'source', action: 'pause', hint: 'Microsoft blocks this tenant or IP address: the administrator finds why in the admin center, or at sender.office.com.' },

  { id: 'exchange-access-denied', codes: [550], status: ['4.1'], blame: 'recipient', action: 'bounce' },
  { id: 'exchange-bare-lf', status: ['6.11'], blame: 'message', action: 'reject', hint: 'A bare LF is in the message. Shoal never writes one: please report this.' },
];
