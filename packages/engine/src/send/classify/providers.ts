import { APPLE_RULES, APPLE_SUFFIXES } from './apple.ts';
import { GOOGLE_RULES, GOOGLE_SUFFIXES } from './google.ts';
import { MICROSOFT_RULES, MICROSOFT_SUFFIXES } from './microsoft.ts';
import type { ReplyRule } from './rule.ts';
import { SES_RULES, SES_SUFFIXES } from './ses.ts';
import { YAHOO_RULES, YAHOO_SUFFIXES } from './yahoo.ts';

export interface Provider {
  readonly id: 'google' | 'microsoft' | 'yahoo' | 'apple' | 'ses';
  readonly name: string;
  /** Ends of the names of its servers, a dot first: `evilgoogle.com` is not Google. */
  readonly suffixes: readonly string[];
  readonly rules: readonly ReplyRule[];
}

export const PROVIDERS: readonly Provider[] = [
  { id: 'google', name: 'Gmail, Google Workspace', suffixes: GOOGLE_SUFFIXES, rules: GOOGLE_RULES },
  { id: 'microsoft', name: 'Outlook.com, Exchange Online', suffixes: MICROSOFT_SUFFIXES, rules: MICROSOFT_RULES },
  { id: 'yahoo', name: 'Yahoo, AOL', suffixes: YAHOO_SUFFIXES, rules: YAHOO_RULES },
  { id: 'apple', name: 'iCloud Mail', suffixes: APPLE_SUFFIXES, rules: APPLE_RULES },
  { id: 'ses', name: 'Amazon SES', suffixes: SES_SUFFIXES, rules: SES_RULES },
];

/** Whose server this is, by the host we connected to: a submission host or an MX. */
export function providerOf(peer: string): Provider | undefined {
  const host = `.${peer.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase()}`;
  return PROVIDERS.find(({ suffixes }) => suffixes.some((suffix) => host.endsWith(suffix)));
}
