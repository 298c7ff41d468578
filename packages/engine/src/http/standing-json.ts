import type { Held } from '../api/kill-switch.ts';
import type { MailWait } from '../api/mail-waits.ts';
import { waitingFor } from '../api/waits.ts';
import { readScope } from '../model/scope.ts';
import type { Allowance, Forecast, WaitReason } from '../ports/ledger-scopes.ts';
import { iso, isoOrNull } from './iso.ts';

/** What holds mail back, and what is left of its budgets, as JSON. */
type Json = Readonly<Record<string, unknown>>;

/** When a mail will go as things stand. `at` is null when that is for a person to say; `because` when nothing is in its way. */
export function forecastJson({ at, because, ahead }: Forecast): Json {
  return { at: isoOrNull(at), ...reasonJson(because), ahead };
}

function reasonJson(reason: WaitReason | undefined): Json {
  return reason === undefined ? { kind: null, because: null } : { ...waitingFor(reason) };
}

/** What a queued mail waits for the longest. */
export function waitJson(wait: MailWait | undefined): Json | null {
  return wait === undefined ? null : { at: isoOrNull(wait.at), ...waitingFor(wait.reason) };
}

/** `of`: the id of the token or the inbox that has the cap. */
export function budgetJson(allowance: Allowance): Json {
  return { of: readScope(allowance.scope).name, ...allowanceJson(allowance) };
}

export function allowanceJson({ rule, used, left, nextFreeAt }: Allowance): Json {
  const { unit, max, windowMs } = rule;
  return { unit, max, windowSeconds: windowMs / 1_000, used, left, nextFreeAt: isoOrNull(nextFreeAt) };
}

export function holdsJson(holds: Held): readonly Json[] {
  return holds.map(({ why, note, since, until }) => ({ why, note, since: iso(since), until: isoOrNull(until) }));
}
