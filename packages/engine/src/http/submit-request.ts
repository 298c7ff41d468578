import type * as z from 'zod';
import { type ErrorCode, ShoalError } from '../model/errors.ts';
import type { Inbox } from '../model/inbox.ts';
import { IDEMPOTENCY_KEY_CHARACTERS_MAX } from '../model/limits.ts';
import type { TokenRecord } from '../model/tenant.ts';
import type { SubmitRequest } from '../ports/submit.ts';
import { definedOnly } from './defined-only.ts';
import type { sendFromInbox } from './schemas.ts';

/** What a route that sends one mail may refuse it for. */
export const SEND_ERRORS: readonly ErrorCode[] = [
  'not_found',
  'body_missing',
  'recipient_not_allowed',
  'sending_stopped',
  'key_reused',
  'over_limit',
  'budget_used_up',
];

/**
 * A mail as the send story wants it. Text and HTML may stand at the top or inside `body`.
 *
 * @throws ShoalError `body_missing`, `bad_request`, `refused_value`
 */
export function submitRequest(
  inbox: Inbox,
  mail: z.output<typeof sendFromInbox>,
  { caller, key }: { readonly caller: TokenRecord; readonly key: string | undefined },
): SubmitRequest {
  const { body, text, html, attachments, ...rest } = mail;
  const bodies = { text: either('text', text, body?.text), html: either('html', html, body?.html) };
  if ((bodies.text ?? '') === '' && (bodies.html ?? '') === '')
    throw new ShoalError('body_missing', 'the mail has no text: give body.text or body.html (or text or html at the top)', {
      details: { 'body.text': 'is required when there is no body.html' },
    });
  return {
    tenant: inbox.tenant,
    inbox,
    by: caller,
    ...definedOnly({ ...rest, ...bodies, attachments: attachments?.map(definedOnly), key }),
  };
}

function either(name: string, top: string | undefined, inBody: string | undefined): string | undefined {
  if (top !== undefined && inBody !== undefined && top !== inBody)
    throw new ShoalError('refused_value', `${name} and body.${name} differ; give one of them`, {
      details: { [name]: `differs from body.${name}` },
    });
  return top ?? inBody;
}

/** An empty key would make all mails of a careless client one mail, so it is refused and not taken for none. */
export function idempotencyKey(headers: Headers): string | undefined {
  const key = headers.get('idempotency-key') ?? undefined;
  if (key === undefined) return undefined;
  if (key === '' || key.length > IDEMPOTENCY_KEY_CHARACTERS_MAX)
    throw new ShoalError('bad_request', `Idempotency-Key must have 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters`, {
      details: { 'Idempotency-Key': key === '' ? 'is empty' : 'is too long' },
    });
  return key;
}
