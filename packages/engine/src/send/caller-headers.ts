import { HEADER_NAME_CHARACTERS_MAX, HEADER_VALUE_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_MAX } from '../model/limits.ts';
import { type Faults, faultOfHeaderText, isObject } from './faults.ts';

/** A header field of the caller, checked. `ascii`: a machine reads it, so it is never encoded. */
export interface CallerHeader {
  readonly name: string;
  readonly value: string;
  readonly form: 'ascii' | 'text';
}

interface Rule {
  readonly form: CallerHeader['form'];
  readonly pattern?: RegExp;
  readonly says?: string;
}

const TEXT: Rule = { form: 'text' };
const ASCII: Rule = { form: 'ascii' };
const oneOf = (...words: readonly string[]): Rule => ({
  form: 'ascii',
  pattern: new RegExp(`^(?:${words.join('|')})$`, 'i'),
  says: `must be one of ${words.join(', ')}`,
});
/** RFC 2369 section 2: URLs in angle brackets, the best one first. */
const URLS: Rule = {
  form: 'ascii',
  pattern: /^<(?:https?|mailto):[!-;=?-~]+>(?:, ?<(?:https?|mailto):[!-;=?-~]+>)*$/,
  says: 'must be one or more URLs in angle brackets, such as <https://example.com/leave?u=1>, <mailto:leave@example.com>',
};

/** Security S6: a fixed list. Who a mail is from and to, its identity, its path and its MIME are the engine's to say. */
const RULES: Readonly<Record<string, Rule>> = {
  'Auto-Submitted': oneOf('no', 'auto-generated', 'auto-replied', 'auto-notified'), // RFC 3834 section 5
  Comments: TEXT,
  'Feedback-ID': ASCII,
  Importance: oneOf('high', 'normal', 'low'),
  Keywords: ASCII,
  'List-Archive': URLS,
  'List-Help': URLS,
  'List-ID': ASCII,
  'List-Owner': URLS,
  'List-Post': URLS,
  'List-Subscribe': URLS,
  'List-Unsubscribe': URLS,
  'List-Unsubscribe-Post': oneOf('List-Unsubscribe=One-Click'), // RFC 8058 section 3.1
  Organization: TEXT,
  Precedence: oneOf('bulk', 'list', 'junk'),
  Priority: oneOf('urgent', 'normal', 'non-urgent'),
  References: {
    form: 'ascii',
    pattern: /^<[!-;=?A-~]+@[!-;=?A-~]+>(?: <[!-;=?A-~]+@[!-;=?A-~]+>)*$/,
    says: 'must be Message-IDs in angle brackets, with one space between them',
  },
  'X-Priority': oneOf('1', '2', '3', '4', '5'),
};
export const CALLER_HEADERS = Object.keys(RULES);
const RULE_OF = new Map(Object.entries(RULES).map(([name, rule]) => [name.toLowerCase(), rule]));

/**
 * Names of one's own begin with `X-`, but for three kinds. Ours; what mail servers say of a mail, which only they may say; and
 * what providers take for orders, among them a blind copy to somebody else (`X-MC-BccAddress`, `X-SMTPAPI`: security S7).
 */
const RESERVED =
  /^X-(?:Shoal|Apparently|ARC|Auth|Bcc|Delivered|DKIM|Envelope|Forwarded|Gm|Google|Microsoft|MS|Original|Originating|Rcpt|Received|Recipient|Resent|Return|Sender|SPF|Spam|Virus|Amz|Elastic|Mailgun|Mailin|Mailjet|Mandrill|MC|MJ|MSYS|PM|Postmark|Resend|SendGrid|SES|SG|SIB|SMTP|SMTPAPI|SparkPost|TM)(?:-|$)/i;
const OWN_NAME = /^X-[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/i;

/** A folded header cannot break inside a word, and the line has to hold the name too (RFC 5322 section 2.1.1). */
const WORD_CHARACTERS_MAX = 900;
const ENCODED_WORD = /=\?[^?\s]+\?[bq]\?[^?\s]*\?=/i;

/** The header fields of a request, in its order; each name once, whatever its letter case. */
export function checkHeaders(given: unknown, faults: Faults): readonly CallerHeader[] {
  if (given === undefined) return [];
  if (!isObject(given)) {
    faults['headers'] = 'must be an object of names and texts, such as {"X-Campaign": "spring"}';
    return [];
  }
  const fields = Object.entries(given);
  if (fields.length > HEADERS_MAX) {
    faults['headers'] = `has ${fields.length} fields; at most ${HEADERS_MAX} can be set`;
    return [];
  }
  const headers = fields.flatMap(([name, value]) => checkHeader(name, value, faults) ?? []);
  checkTogether(headers, faults);
  return headers;
}

function checkHeader(name: string, value: unknown, faults: Faults): CallerHeader | undefined {
  const rule = ruleOf(name);
  const fault = rule === undefined ? faultOfName(name) : faultOfValue(value, rule);
  if (rule !== undefined && fault === undefined) return { name, value: String(value), form: rule.form };
  faults[`headers.${shownName(name)}`] ??= fault ?? 'cannot be set';
  return undefined;
}

function ruleOf(name: string): Rule | undefined {
  if (name.length > HEADER_NAME_CHARACTERS_MAX) return undefined;
  return RULE_OF.get(name.toLowerCase()) ?? (OWN_NAME.test(name) && !RESERVED.test(name) ? TEXT : undefined);
}

function faultOfName(name: string): string {
  if (name.length > HEADER_NAME_CHARACTERS_MAX)
    return `has a name of ${name.length} characters; at most ${HEADER_NAME_CHARACTERS_MAX} are taken`;
  if (!/^[!-9;-~]+$/.test(name)) return 'is no header name: letters, digits and hyphens only';
  return `cannot be set by a caller; names that can are X-..., ${CALLER_HEADERS.join(', ')}`;
}

function faultOfValue(value: unknown, rule: Rule): string | undefined {
  if (typeof value !== 'string') return 'must be text';
  if (value.trim() === '') return 'is empty; leave it out';
  if (value.length > HEADER_VALUE_BYTES_MAX || Buffer.byteLength(value) > HEADER_VALUE_BYTES_MAX)
    return `has more than ${HEADER_VALUE_BYTES_MAX} bytes`;
  const control = faultOfHeaderText(value);
  if (control !== undefined || rule.form === 'text') return control;
  if (!/^[!-~]+(?: [!-~]+)*$/.test(value)) return 'must be printable ASCII with single spaces between its words';
  if (value.split(' ').some((word) => word.length > WORD_CHARACTERS_MAX))
    return `has a word of more than ${WORD_CHARACTERS_MAX} characters, which no line can hold`;
  if (rule.pattern?.test(value) === false) return rule.says;
  return ENCODED_WORD.test(value) ? 'must be plain text, without encoded words of its own' : undefined;
}

function checkTogether(headers: readonly CallerHeader[], faults: Faults): void {
  const values = new Map<string, string>();
  for (const { name, value } of headers) {
    if (values.has(name.toLowerCase())) faults[`headers.${name}`] ??= 'is given twice; letter case makes no difference';
    values.set(name.toLowerCase(), value);
  }
  // RFC 8058 section 3.1: the button needs a page to press it on.
  if (values.has('list-unsubscribe-post') && !/<https:/i.test(values.get('list-unsubscribe') ?? ''))
    faults['headers.List-Unsubscribe-Post'] ??= 'needs a List-Unsubscribe with an https URL';
  const sizeBytes = headers.reduce((sum, { name, value }) => sum + name.length + Buffer.byteLength(value), 0);
  if (sizeBytes > HEADERS_BYTES_MAX) faults['headers'] ??= `have ${sizeBytes} bytes together; at most ${HEADERS_BYTES_MAX} can be set`;
}

const NAME_CHARACTERS_SHOWN_MAX = 64;

/** The name comes back in an error, and from there goes into logs. */
function shownName(name: string): string {
  return name.slice(0, NAME_CHARACTERS_SHOWN_MAX).replace(/[^!-~]/gu, '?');
}
