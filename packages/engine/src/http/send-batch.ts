import { sendEmail } from '../api/emails.ts';
import { inboxMeantBy } from '../api/sending-inbox.ts';
import { ShoalError } from '../model/errors.ts';
import { IDEMPOTENCY_KEY_CHARACTERS_MAX, SEND_BATCH_MAX } from '../model/limits.ts';
import type { TokenRecord } from '../model/tenant.ts';
import { sentEmailJson } from './answers.ts';
import type { AppDeps } from './app.ts';
import { checked } from './checked.ts';
import { definedOnly } from './defined-only.ts';
import { errorFields, knownError } from './errors.ts';
import * as schemas from './schemas.ts';
import { submitRequest } from './submit-request.ts';

type Json = Readonly<Record<string, unknown>>;

interface Sending {
  readonly deps: AppDeps;
  readonly caller: TokenRecord;
  /** Of the whole batch: what is the server's own fault stands in the log under it. */
  readonly requestId: string;
}

/**
 * Each mail as if it had come alone: one that is refused takes no other with it. All are submitted at once, so that those that
 * are ready in one tick share one transaction. A crash in between leaves some of them accepted; the repeat with the same key
 * answers those from what is there, and sends the rest.
 *
 * @param key  of the whole batch; mail `i` has the key `KEY/i`, unless it brings one of its own
 */
export async function sendBatch(sending: Sending, emails: readonly unknown[], key: string | undefined): Promise<Json> {
  refuseLongKey(key);
  const data = await Promise.all(
    emails.map(async (given, index) => ({
      index,
      ...(await sendItem(sending, given, key === undefined ? undefined : `${key}/${index}`)),
    })),
  );
  const accepted = data.filter(({ ok }) => ok).length;
  return { accepted, refused: data.length - accepted, data };
}

type Item = { readonly ok: true; readonly [field: string]: unknown } | { readonly ok: false; readonly [field: string]: unknown };

async function sendItem({ deps, caller, requestId }: Sending, given: unknown, keyInBatch: string | undefined): Promise<Item> {
  const warnings: string[] = [];
  try {
    const { from, inboxId, idempotencyKey, ...mail } = checked(schemas.sendBatchItem, fieldsOf(given), warnings);
    const inbox = await inboxMeantBy(deps, caller.tenant, definedOnly({ from, inboxId }));
    const sent = await sendEmail(deps, submitRequest(inbox, mail, { caller, key: checkedKey(idempotencyKey) ?? keyInBatch }));
    return { ok: true, ...sentEmailJson(sent), ...(warnings.length > 0 && { warnings }) };
  } catch (error) {
    if (!(error instanceof ShoalError)) deps.log.error('an item of a batch failed', { requestId, error });
    return { ok: false, ...errorFields(knownError(error)), requestId };
  }
}

function fieldsOf(given: unknown): Json {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Json;
  throw new ShoalError('bad_request', 'each of `emails` must be an object, as for a single send');
}

function checkedKey(key: string | undefined): string | undefined {
  if (key === undefined || (key !== '' && key.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX)) return key;
  throw new ShoalError('bad_request', `idempotencyKey must have 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters`, {
    details: { idempotencyKey: key === '' ? 'is empty' : 'is too long' },
  });
}

/** The same bound whatever the size of the batch, so that a client meets it at its first try. */
const BATCH_KEY_CHARACTERS_MAX = IDEMPOTENCY_KEY_CHARACTERS_MAX - `/${SEND_BATCH_MAX - 1}`.length;

function refuseLongKey(key: string | undefined): void {
  if ((key?.length ?? 0) <= BATCH_KEY_CHARACTERS_MAX) return;
  throw new ShoalError('bad_request', `the Idempotency-Key of a batch has at most ${BATCH_KEY_CHARACTERS_MAX} characters`, {
    details: { 'Idempotency-Key': 'is too long: each mail adds its number to it' },
  });
}
