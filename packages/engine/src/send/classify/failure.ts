import type { FailureCause, Phase } from '../../model/reply.ts';
import { MINUTE_MS, type Rule } from './rule.ts';

export interface FailureRule extends Rule {
  readonly causes: readonly FailureCause[];
  readonly phases?: readonly Phase[];
  readonly onReusedOnly?: true;
}

/** Attempts that ended before the commit without a reply: nothing was taken, and trying again is safe. */
// biome-ignore format: a rule is a row
export const FAILURE_RULES: readonly FailureRule[] = [
  // A sender whose transport can't be opened fails before there is a connection; a look now and then finds out when it can.
  { id: 'no-transport', causes: ['missing'], phases: ['connect'],
    blame: 'local', action: 'pause', waitMs: 5 * MINUTE_MS, hint: 'The transport of this sender cannot be opened; the log says why.' },
  // Credentials are never sent without TLS, so a server that offers none of it, or no AUTH, is a matter of settings.
  { id: 'account-unusable', causes: ['missing'], phases: ['starttls', 'auth'],
    blame: 'local', action: 'pause', hint: 'This server offers no TLS or no login on this port: try port 465 with smtps://, or 587.' },
  // SMTPUTF8, 8BITMIME or SIZE (RFC 6531 section 3.2, RFC 1870 section 6.1): this server will never take this message.
  { id: 'cannot-carry', causes: ['missing'], blame: 'message', action: 'reject' },
  // Our own bytes or envelope may not go on the wire, and never will.
  { id: 'unsendable', causes: ['unsendable'], blame: 'local', action: 'reject' },
  // A kept connection that turned out dead says nothing about the server: a new one is tried at once.
  { id: 'stale-connection', causes: ['cut'], phases: ['mail'], onReusedOnly: true, blame: 'session', action: 'reconnect' },
];

/** Refused, timed out, cut, not found, or talking nonsense: the peer is to blame, whatever it was. */
export const NETWORK_FAILURE: FailureRule = {
  id: 'network',
  causes: ['refused', 'timeout', 'cut', 'dns', 'tls', 'malformed'],
  blame: 'site',
  action: 'network',
  isPeerFailure: true,
};

export function failureRule(failure: { readonly phase: Phase; readonly cause: FailureCause; readonly isReused: boolean }): FailureRule {
  const rule = FAILURE_RULES.find(
    ({ causes, phases, onReusedOnly }) =>
      causes.includes(failure.cause) && (phases?.includes(failure.phase) ?? true) && (onReusedOnly === undefined || failure.isReused),
  );
  return rule ?? NETWORK_FAILURE;
}
