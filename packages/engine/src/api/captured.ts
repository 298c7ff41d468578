import type { TenantId } from '../model/ids.ts';
import type { Message } from '../model/message.ts';
import type { CapturedMail } from '../ports/captured.ts';
import { pageAt } from './cursor.ts';
import type { ApiPorts } from './ports.ts';

export interface CapturedEmail {
  readonly mail: CapturedMail;
  readonly message: Message;
}
export interface CapturedEmailPage {
  readonly emails: readonly CapturedEmail[];
  readonly cursor?: string;
}

/** Those of other tenants are passed over; then the caller gets the cursor and asks again. */
const PAGES_LOOKED_THROUGH_MAX = 10;

/**
 * What was kept here instead of being sent, newest first; empty when mail is really sent. A page may hold fewer than `max`
 * although more follow.
 *
 * @throws ShoalError `bad_request` for a cursor of another list
 */
export async function listCaptured(
  ports: Pick<ApiPorts, 'captured' | 'store'>,
  query: { readonly tenant: TenantId; readonly max: number; readonly cursor?: string },
): Promise<CapturedEmailPage> {
  const { captured } = ports;
  let { cursor } = query;
  for (let looked = 0; captured !== undefined && looked < PAGES_LOOKED_THROUGH_MAX; looked += 1) {
    const { mails, cursor: next } = await pageAt(cursor, (place) => captured.list({ max: query.max, ...place }));
    const emails = await ofTenant(ports, query.tenant, mails);
    cursor = next;
    if (emails.length > 0 || cursor === undefined) return { emails, ...(cursor === undefined ? {} : { cursor }) };
  }
  return { emails: [], ...(cursor === undefined ? {} : { cursor }) };
}

async function ofTenant(
  ports: Pick<ApiPorts, 'store'>,
  tenant: TenantId,
  mails: readonly CapturedMail[],
): Promise<readonly CapturedEmail[]> {
  const messages = await ports.store.getMessages(
    tenant,
    mails.map((mail) => mail.messageId),
  );
  return mails.flatMap((mail, index) => {
    const message = messages[index];
    return message === undefined ? [] : [{ mail, message }];
  });
}
