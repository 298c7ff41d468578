import { getEmailOf, listEmails, sendEmail } from '../../api/emails.ts';
import { inboxStanding } from '../../api/inbox-limits.ts';
import { changeInbox, createInbox, deleteInbox, getActiveInbox, getInbox, listInboxes } from '../../api/inboxes.ts';
import { type Switch, switchInbox } from '../../api/kill-switch.ts';
import * as answers from '../answer-schemas-account.ts';
import * as mail from '../answer-schemas-mail.ts';
import { ACCOUNT_TERMS, emailJson, inboxJson, pageJson, sentEmailJson, wholeEmailJson } from '../answers.ts';
import { PAGE_DEFAULT } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { allowanceJson, holdsJson } from '../standing-json.ts';
import { idempotencyKey, SEND_ERRORS, submitRequest } from '../submit-request.ts';
import { definedOnly } from '../defined-only.ts';

export const inboxRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/inboxes',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Opens an inbox: `localPart` exactly, the first free form of `preferred`, `name` and `org`, or a random address.',
    body: schemas.createInbox,
    status: 201,
    gives: answers.newInbox,
    refuses: ['address_collision', 'no_such_sender'],
    answer: async ({ deps, caller, body }) => {
      const inbox = await createInbox(deps, caller, deps.settings, definedOnly(body));
      const { limits, ...terms } = ACCOUNT_TERMS;
      return { ...inboxJson(inbox), account: { ...terms, ...limits }, hints: [] };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/inboxes',
    scope: 'read',
    summary: 'Inboxes, oldest first; without `limit` all of them. `active=false` shows deleted ones too.',
    query: schemas.inboxPage,
    gives: answers.inboxPage,
    answer: async ({ deps, caller, query }) => {
      const { limit: max, cursor, active } = query;
      const { inboxes, cursor: next } = await listInboxes(deps, {
        tenant: caller.tenant,
        onlyActive: active ?? true,
        ...definedOnly({ max, cursor }),
      });
      return pageJson(inboxes.map(inboxJson), next);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/inboxes/:id',
    scope: 'read',
    summary: 'One inbox, by id or address, with its limits as used, and what holds it back; a deleted one too.',
    gives: answers.inboxStanding,
    answer: async ({ deps, caller, param }) => {
      const inbox = await getInbox(deps, caller.tenant, param('id'));
      const { limits, allowances, holds } = await inboxStanding(deps, inbox.id);
      return { ...inboxJson(inbox), weight: limits?.weight ?? 1, limits: allowances.map(allowanceJson), holds: holdsJson(holds) };
    },
  }),
  route({
    method: 'PATCH',
    path: '/v1/inboxes/:id',
    scope: 'manage',
    summary: 'Sets `caps`, `policy`, `limits`, `weight` or `sender` of an inbox of any account: each replaces the whole of what was there.',
    access: 'operator',
    body: schemas.changeInbox,
    gives: answers.inbox,
    refuses: ['no_such_sender'],
    answer: async ({ deps, caller, param, body }) => inboxJson(await changeInbox(deps, caller, param('id'), definedOnly(body))),
  }),
  route({
    method: 'DELETE',
    path: '/v1/inboxes/:id',
    scope: 'manage',
    summary: 'Ends sending from an inbox. It stays readable, and its address is not given to anybody else.',
    gives: answers.deleted,
    answer: async ({ deps, caller, param }) => {
      await deleteInbox(deps, caller.tenant, param('id'));
      return { deleted: true };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/inboxes/:id/send',
    scope: 'send',
    summary: 'Sends a mail from this inbox.',
    body: schemas.sendFromInbox,
    status: 202,
    gives: mail.sentEmail,
    refuses: SEND_ERRORS,
    answer: async ({ deps, caller, param, body, headers }) => {
      const inbox = await getActiveInbox(deps, caller.tenant, param('id'));
      return sentEmailJson(await sendEmail(deps, submitRequest(inbox, body, { caller, key: idempotencyKey(headers) })));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/inboxes/:id/emails',
    scope: 'read',
    summary: 'Emails of this inbox, newest first.',
    query: schemas.inboxEmailPage,
    gives: mail.emailPage,
    answer: async ({ deps, caller, param, query }) => {
      const inbox = await getInbox(deps, caller.tenant, param('id'));
      const { limit, status: statuses, direction, ...rest } = query;
      if (direction === 'inbound') return pageJson([], undefined); // this version does not receive
      const { emails, cursor: next } = await listEmails(deps, {
        tenant: caller.tenant,
        inboxes: [inbox.id],
        max: limit ?? PAGE_DEFAULT,
        ...definedOnly({ ...rest, statuses }),
      });
      return pageJson(emails.map(emailJson), next);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/inboxes/:id/emails/:emailId',
    scope: 'read',
    summary: 'One email of this inbox, whole.',
    gives: mail.wholeEmail,
    answer: async ({ deps, caller, param }) => {
      const inbox = await getInbox(deps, caller.tenant, param('id'));
      return wholeEmailJson(await getEmailOf(deps, inbox, param('emailId')));
    },
  }),
  switchRoute('stop', 'Refuses new mail of an inbox, and holds what is queued where it is.'),
  switchRoute('start', 'Takes new mail of a stopped inbox again, and lets what is queued go.'),
  switchRoute('pause', 'Holds the mail of an inbox; new mail is accepted and waits.'),
  switchRoute('resume', 'Lets the mail of a paused inbox go.'),
];

/** Whoever owns the inbox may hold it; to let it go is for operators. */
function switchRoute(act: Switch, summary: string): Route {
  return route({
    method: 'POST',
    path: `/v1/inboxes/:id/${act}`,
    scope: 'manage',
    summary,
    access: act === 'stop' || act === 'pause' ? 'token' : 'operator',
    body: schemas.reason,
    gives: answers.switchedInbox,
    answer: async ({ deps, caller, param, body }) => {
      const { inbox, holds } = await switchInbox(deps, caller, { act, inbox: param('id'), ...definedOnly(body) });
      return { ...inboxJson(inbox), holds: holdsJson(holds) };
    },
  });
}
