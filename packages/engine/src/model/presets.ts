import type { LimitRule, LimitUnit } from './limit.ts';
import type { Preset } from './preset.ts';
import { marginFor } from './written-limits.ts';

/**
 * Published limits of providers, as data. They change without notice: when one does, change its row, its `checked` and
 * docs/reference/presets.md (a test compares the two). A figure without a published source says so in `note`.
 */

const CHECKED = '2026-08-31';
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MB = 1_000_000;

const per = (windowMs: number, maxOf: Readonly<Partial<Record<LimitUnit, number>>>): LimitRule[] =>
  Object.entries(maxOf).map(([unit, max]) => ({ unit: unit as LimitUnit, max, windowMs, marginMs: marginFor(windowMs) }));
const perDay = (maxOf: Readonly<Partial<Record<LimitUnit, number>>>): LimitRule[] => per(DAY_MS, maxOf);
const perMinute = (maxOf: Readonly<Partial<Record<LimitUnit, number>>>): LimitRule[] => per(MINUTE_MS, maxOf);

/** Our own choice, the same for all. */
const HEADROOM = 0.05;
const GMAIL_HOSTS = ['smtp.gmail.com', 'smtp.googlemail.com'];
const GOOGLE_SOURCES = ['https://support.google.com/a/answer/166852', 'https://support.google.com/a/answer/3726730'];
const EXCHANGE_SOURCES = [
  'https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits',
  'https://learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements',
];
const SES_HOSTS = ['email-smtp.*.amazonaws.com', 'email-smtp-fips.*.amazonaws.com'];
const SES_SOURCES = [
  'https://docs.aws.amazon.com/ses/latest/dg/quotas.html',
  'https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html',
];

export const PRESETS: readonly Preset[] = [
  {
    id: 'google-workspace',
    title: 'Google Workspace, paid account',
    checked: CHECKED,
    hosts: GMAIL_HOSTS,
    rules: perDay({
      messages: 2_000,
      recipients: 10_000,
      externalRecipients: 3_000,
      uniqueRecipients: 3_000,
      uniqueExternalRecipients: 2_000,
    }),
    connections: 5,
    perMessage: { recipients: 100 },
    lockoutMs: DAY_MS,
    headroom: HEADROOM,
    note: 'Google publishes no number of connections; 5 is our choice. A young account keeps the limits of `google-workspace-trial` until its domain has paid 100 USD and 60 more days have passed.',
    sources: GOOGLE_SOURCES,
  },
  {
    id: 'google-workspace-trial',
    title: 'Google Workspace, trial or young account',
    checked: CHECKED,
    hosts: GMAIL_HOSTS,
    isSafeGuess: true,
    rules: perDay({ messages: 500, recipients: 10_000, externalRecipients: 3_000, uniqueExternalRecipients: 500 }),
    connections: 5,
    perMessage: { recipients: 100 },
    lockoutMs: DAY_MS,
    headroom: HEADROOM,
    note: 'Google publishes no number of connections; 5 is our choice.',
    sources: GOOGLE_SOURCES,
  },
  {
    id: 'google-workspace-relay',
    title: 'Google Workspace SMTP relay, one user',
    checked: CHECKED,
    hosts: ['smtp-relay.gmail.com'],
    rules: perDay({ messages: 10_000, uniqueRecipients: 10_000 }),
    perMessage: { recipients: 100 },
    lockoutMs: DAY_MS,
    headroom: HEADROOM,
    note: 'Recipients and peaks are also limited per customer, by figures that Google does not publish. That mail to more than 100 recipients may be blocked is known at second hand.',
    sources: ['https://support.google.com/a/answer/6140680', ...GOOGLE_SOURCES],
  },
  {
    id: 'gmail-personal',
    title: 'Gmail, personal account',
    checked: CHECKED,
    hosts: GMAIL_HOSTS,
    rules: perDay({ messages: 500, recipients: 500 }),
    perMessage: { recipients: 100 },
    lockoutMs: DAY_MS,
    headroom: HEADROOM,
    note: '500 a day is known at second hand.',
    sources: ['https://support.google.com/mail/answer/22839'],
  },
  {
    id: 'google-gmail-api',
    title: 'Gmail API, one user',
    checked: CHECKED,
    hosts: [],
    addsTo: ['google-workspace', 'google-workspace-trial', 'gmail-personal'],
    rules: perMinute({ messages: 150 }),
    perMessage: { recipients: 100 },
    headroom: HEADROOM,
    note: '15,000 quota units a minute and user, 100 a send. A project has 1,200,000 a minute, which is 12,000 sends over all of its users.',
    sources: ['https://developers.google.com/gmail/api/reference/quota'],
  },
  {
    id: 'm365-mailbox',
    title: 'Microsoft 365, one mailbox by SMTP',
    checked: CHECKED,
    hosts: ['smtp.office365.com'],
    rules: [...perDay({ recipients: 10_000 }), ...perMinute({ messages: 30 })],
    connections: 3,
    perMessage: { recipients: 500 },
    headroom: HEADROOM,
    note: 'The administrator may set recipients of a message from 1 to 1,000.',
    sources: [...EXCHANGE_SOURCES, 'techcommunity.microsoft.com, Exchange blog, 607825'],
  },
  {
    id: 'm365-tenant',
    title: 'Microsoft 365, all external mail of a tenant',
    checked: CHECKED,
    hosts: [],
    addsTo: ['m365-mailbox', 'm365-graph'],
    rules: perDay({ externalRecipients: 5_000 }),
    perMessage: {},
    headroom: HEADROOM,
    note: '5,000 is for trial tenants. Others have 500 * licences^0.7 + 9,500: 10,000 for one licence, 12,006 for ten, 22,059 for a hundred. All mailboxes of the tenant share it, so give each sender its part under `limits`.',
    sources: ['techcommunity.microsoft.com, Exchange blog, 4372797', ...EXCHANGE_SOURCES],
  },
  {
    id: 'm365-graph',
    title: 'Microsoft 365, one mailbox by Graph',
    checked: CHECKED,
    hosts: [],
    addsTo: ['m365-mailbox'],
    rules: [...perDay({ recipients: 10_000 }), ...perMinute({ messages: 30 }), ...per(10 * MINUTE_MS, { messages: 10_000 })],
    connections: 4,
    perMessage: { recipients: 500, bytes: 150 * MB },
    headroom: HEADROOM,
    note: '150 MB may be uploaded in 5 minutes; here that bounds one message.',
    sources: ['https://learn.microsoft.com/answers/questions/2258712', ...EXCHANGE_SOURCES],
  },
  {
    id: 'outlook-personal',
    title: 'Outlook.com, Microsoft 365 subscriber',
    checked: CHECKED,
    hosts: ['smtp-mail.outlook.com'],
    rules: perDay({ recipients: 5_000, newRecipients: 1_000 }),
    perMessage: { recipients: 500, bytes: 25 * MB },
    headroom: HEADROOM,
    note: 'Accounts without a subscription have lower limits that are not published and grow with trust.',
    sources: ['support.microsoft.com, "Sending limits in Outlook.com"'],
  },
  {
    id: 'ses-sandbox',
    title: 'Amazon SES, sandbox',
    checked: CHECKED,
    hosts: SES_HOSTS,
    isSafeGuess: true,
    rules: perDay({ recipients: 200 }),
    pace: { everyMs: SECOND_MS, burst: 1 },
    perMessage: { recipients: 50, bytes: 40 * MB },
    lockoutMs: 10 * MINUTE_MS,
    headroom: HEADROOM,
    note: 'Only to verified addresses. One a second is a pace: AWS counts recipients there as well and allows short bursts, and a rule of one recipient a second would refuse any mail with two.',
    sources: SES_SOURCES,
  },
  {
    id: 'ses',
    title: 'Amazon SES, production',
    checked: CHECKED,
    hosts: SES_HOSTS,
    rules: [],
    perMessage: { recipients: 50, bytes: 40 * MB },
    lockoutMs: 10 * MINUTE_MS,
    headroom: HEADROOM,
    note: 'AWS gives each account its own quota in each region: put `Max24HourSend` under `limits.perDay.recipients` and `MaxSendRate` under `limits.perSecond.recipients` (`aws sesv2 get-account` shows both).',
    sources: SES_SOURCES,
  },
  {
    id: 'icloud',
    title: 'iCloud Mail',
    checked: CHECKED,
    hosts: ['smtp.mail.me.com'],
    rules: perDay({ messages: 1_000, recipients: 1_000 }),
    perMessage: { recipients: 500, bytes: 20 * MB },
    headroom: HEADROOM,
    sources: ['https://support.apple.com/102198'],
  },
  {
    id: 'generic',
    title: 'any other host',
    checked: CHECKED,
    hosts: [],
    rules: [],
    perMessage: { recipients: 100 },
    headroom: HEADROOM,
    note: '100 recipients are the least that a server must take (RFC 5321 section 4.5.3.1.8).',
    sources: ['https://www.rfc-editor.org/rfc/rfc5321'],
  },
];
