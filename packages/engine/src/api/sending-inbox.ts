import { ShoalError } from '../model/errors.ts';
import type { TenantId } from '../model/ids.ts';
import { addressOf, type Inbox } from '../model/inbox.ts';
import { getActiveInbox, inboxSendingFrom } from './inboxes.ts';
import type { ApiPorts } from './ports.ts';

/**
 * The inbox that a send names by its address, by its id, or by both.
 *
 * @throws ShoalError `bad_request`, `refused_value` (they name two), `not_found`, `forbidden`
 */
export async function inboxMeantBy(
  ports: Pick<ApiPorts, 'store'>,
  tenant: TenantId,
  meant: { readonly from?: string; readonly inboxId?: string },
): Promise<Inbox> {
  const { from, inboxId } = meant;
  if (from === undefined && inboxId === undefined)
    throw new ShoalError('bad_request', 'from is required: the address of an inbox, or inboxId', { details: { from: 'is required' } });
  if (inboxId === undefined) return inboxSendingFrom(ports, tenant, from ?? '');
  const inbox = await getActiveInbox(ports, tenant, inboxId);
  if (from !== undefined && (await inboxSendingFrom(ports, tenant, from)).id !== inbox.id)
    throw new ShoalError('refused_value', `from and inboxId name different inboxes; inboxId is ${addressOf(inbox)}`, {
      details: { from: 'is not the address of inboxId' },
    });
  return inbox;
}
