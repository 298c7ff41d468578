import { cancelEmail, getEmail, listEmails, readAttachment, readRaw, sendEmail } from '../../api/emails.ts';
import { getInbox } from '../../api/inboxes.ts';
import { inboxMeantBy } from '../../api/sending-inbox.ts';
import * as answers from '../answer-schemas-mail.ts';
import { emailJson, pageJson, sentEmailJson, wholeEmailJson } from '../answers.ts';
import { definedOnly } from '../defined-only.ts';
import { PAGE_DEFAULT } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { sendBatch } from '../send-batch.ts';
import { idempotencyKey, SEND_ERRORS, submitRequest } from '../submit-request.ts';

export const emailRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/emails/send',
    scope: 'send',
    summary: 'Sends a mail from an inbox of this account, named by `from` or `inboxId`.',
    body: schemas.sendEmail,
    status: 202,
    gives: answers.sentEmail,
    refuses: SEND_ERRORS,
    answer: async ({ deps, caller, body, headers }) => {
      const { from, inboxId, ...mail } = body;
      const inbox = await inboxMeantBy(deps, caller.tenant, definedOnly({ from, inboxId }));
      return sentEmailJson(await sendEmail(deps, submitRequest(inbox, mail, { caller, key: idempotencyKey(headers) })));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/emails/batch',
    scope: 'send',
    summary: 'Sends up to 100 mails, each judged by itself; the answer says of each what became of it.',
    body: schemas.sendBatch,
    status: 202,
    gives: answers.batch,
    answer: async ({ deps, caller, requestId, body, headers }) =>
      sendBatch({ deps, caller, requestId }, body.emails, idempotencyKey(headers)),
  }),
  route({
    method: 'GET',
    path: '/v1/emails',
    scope: 'read',
    summary: 'Emails of this account, newest first.',
    query: schemas.emailPage,
    gives: answers.emailPage,
    refuses: ['not_found'],
    answer: async ({ deps, caller, query }) => {
      const { limit, status: statuses, inbox, ...rest } = query;
      const inboxes = inbox === undefined ? undefined : [(await getInbox(deps, caller.tenant, inbox)).id];
      const { emails, cursor: next } = await listEmails(deps, {
        tenant: caller.tenant,
        max: limit ?? PAGE_DEFAULT,
        ...definedOnly({ ...rest, statuses, inboxes }),
      });
      return pageJson(emails.map(emailJson), next);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/emails/:id',
    scope: 'read',
    summary: 'One email, whole: its status, and every attempt of every job.',
    gives: answers.wholeEmail,
    answer: async ({ deps, caller, param }) => wholeEmailJson(await getEmail(deps, caller.tenant, param('id'))),
  }),
  route({
    method: 'GET',
    path: '/v1/emails/:id/raw',
    scope: 'read',
    summary: 'The bytes that go, or went, on the wire.',
    gives: 'message/rfc822',
    answer: async ({ deps, caller, param }) => {
      const { id, bytes } = await readRaw(deps, caller.tenant, param('id'));
      return { kind: 'bytes', contentType: 'message/rfc822', fileName: `${id}.eml`, bytes };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/emails/:id/attachments/:index',
    scope: 'read',
    summary: 'The bytes of one attachment; the first has the index 0.',
    gives: '*/*',
    answer: async ({ deps, caller, param }) => {
      const { attachment, bytes } = await readAttachment(deps, caller.tenant, param('id'), param('index'));
      return { kind: 'bytes', contentType: attachment.contentType, fileName: attachment.filename, bytes };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/emails/:id/cancel',
    scope: 'send',
    summary: 'Cancels what was not sent yet.',
    gives: answers.canceledEmail,
    refuses: ['too_late', 'wrong_state'],
    answer: async ({ deps, caller, param }) => ({ ...(await cancelEmail(deps, caller.tenant, param('id'))) }),
  }),
];
