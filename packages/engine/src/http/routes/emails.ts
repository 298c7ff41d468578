import { cancelEmail, getEmail, listEmails, readRaw, sendEmail } from '../../api/emails.ts';
import { getActiveInbox, inboxSendingFrom } from '../../api/inboxes.ts';
import type { ApiPorts } from '../../api/ports.ts';
import { ShoalError } from '../../model/errors.ts';
import type { TenantId } from '../../model/ids.ts';
import { addressOf, type Inbox } from '../../model/inbox.ts';
import { emailJson, pageJson, sentEmailJson, wholeEmailJson } from '../answers.ts';
import { definedOnly } from '../defined-only.ts';
import { PAGE_DEFAULT } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { submitRequest } from '../submit-request.ts';

export const emailRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/emails/send',
    summary: 'Sends a mail from an inbox of this account, named by `from` or `inboxId`.',
    body: schemas.sendEmail,
    status: 202,
    answer: async ({ deps, caller, body, headers }) => {
      const { from, inboxId, ...mail } = body;
      const inbox = await inboxMeantBy(deps, caller.tenant, definedOnly({ from, inboxId }));
      return sentEmailJson(await sendEmail(deps, submitRequest(inbox, mail, { caller, headers })));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/emails',
    summary: 'Emails of this account, newest first.',
    query: schemas.emailPage,
    answer: async ({ deps, caller, query }) => {
      const { limit, cursor, status: statuses } = query;
      const { emails, cursor: next } = await listEmails(deps, {
        tenant: caller.tenant,
        max: limit ?? PAGE_DEFAULT,
        ...definedOnly({ cursor, statuses }),
      });
      return pageJson(emails.map(emailJson), next);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/emails/:id',
    summary: 'One email, whole: its status, and every attempt of every job.',
    answer: async ({ deps, caller, param }) => wholeEmailJson(await getEmail(deps, caller.tenant, param('id'))),
  }),
  route({
    method: 'GET',
    path: '/v1/emails/:id/raw',
    summary: 'The bytes that go, or went, on the wire.',
    answer: async ({ deps, caller, param }) => {
      const { id, bytes } = await readRaw(deps, caller.tenant, param('id'));
      return { kind: 'bytes', contentType: 'message/rfc822', fileName: `${id}.eml`, bytes };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/emails/:id/cancel',
    summary: 'Cancels what was not sent yet.',
    answer: async ({ deps, caller, param }) => ({ ...(await cancelEmail(deps, caller.tenant, param('id'))) }),
  }),
];

async function inboxMeantBy(
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
