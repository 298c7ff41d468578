import type { TenantId } from '../model/ids.ts';
import { PAGE_MAX } from '../model/limits.ts';
import type { Message } from '../model/message.ts';
import type { CapturedMail } from '../ports/captured.ts';
import type { ApiPorts } from './ports.ts';

export interface CapturedEmail {
  readonly mail: CapturedMail;
  readonly message: Message;
}

/** Captures looked through for one answer: those of other tenants are passed over. */
const LOOKED_THROUGH_MAX = 10 * PAGE_MAX;

/** What was kept here instead of being sent, newest first; empty when mail is really sent. */
export async function listCaptured(
  ports: Pick<ApiPorts, 'captured' | 'store'>,
  tenant: TenantId,
  max: number,
): Promise<readonly CapturedEmail[]> {
  const mails = (await ports.captured?.list(LOOKED_THROUGH_MAX)) ?? [];
  const found: CapturedEmail[] = [];
  for (let from = 0; from < mails.length && found.length < max; from += PAGE_MAX) {
    const page = mails.slice(from, from + PAGE_MAX);
    const messages = await ports.store.getMessages(
      tenant,
      page.map((mail) => mail.messageId),
    );
    page.forEach((mail, index) => {
      const message = messages[index];
      if (message !== undefined) found.push({ mail, message });
    });
  }
  return found.slice(0, max);
}
