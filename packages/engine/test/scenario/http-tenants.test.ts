import { describe, expect, it } from 'vitest';
import { type Account, type Answer, openHttpBench } from './http-bench.ts';

const MISSING = '0'.repeat(26);

/** Two accounts, and one thing of each kind that belongs to the first. */
async function openTwo() {
  const bench = await openHttpBench();
  const [owner, stranger] = [await bench.signUp(), await bench.signUp({ remoteAddress: '127.0.0.1' })];
  const inbox = await owner.openInbox('ann');
  const dead = await owner.send(inbox, { subject: 'dead' });
  const { jobId: deadJob } = await bench.endNext({ kind: 'dead', reason: 'permanent' });
  const doubt = await owner.send(inbox, { subject: 'doubt' });
  const { jobId: doubtJob } = await bench.endNext({ kind: 'doubt', cause: 'cut' });
  const email = await owner.send(inbox, { subject: 'queued', attachments: [{ filename: 'a.txt', content: 'aGk=' }] });
  const token = await tokenOf(owner);
  const operation = String((await owner.ask('POST', '/v1/dead-letters/requeue', { body: { reason: 'poison' } })).body['id']);
  return { bench, owner, stranger, ids: { inbox, email, dead, deadJob, doubt, doubtJob, token, operation } };
}

async function tokenOf(account: Account): Promise<string> {
  const { body } = await account.ask('GET', '/v1/account');
  return (body['token'] as { readonly id: string }).id;
}

const wire = ({ status, body }: Answer): unknown => ({ status, body: { ...body, requestId: '' } });
const mail = { to: 'eve@example.net', subject: 'x', text: 'x' };

const FOR_OPERATORS = [
  'patch /v1/inboxes/{id}',
  'post /v1/inboxes/{id}/start',
  'post /v1/inboxes/{id}/resume',
  'patch /v1/tokens/{id}',
  'post /v1/tokens/{id}/start',
  'get /v1/senders/{name}',
  'patch /v1/senders/{name}',
  'delete /v1/senders/{name}',
  'post /v1/senders/{name}/pause',
  'post /v1/senders/{name}/resume',
];

describe('T1: another account', () => {
  it('gets the same answer for a foreign id as for a missing one, on every route, and changes nothing', async () => {
    const { bench, stranger, ids } = await openTwo();
    const own = await stranger.openInbox('eve');
    const { inbox, email, dead, deadJob, doubt, doubtJob, token, operation } = ids;
    const asked: [method: string, foreign: string, missing: string, body?: unknown][] = [
      ['GET', `/v1/inboxes/${inbox}`, `/v1/inboxes/ibx_${MISSING}`],
      ['GET', '/v1/inboxes/ann@shoal.localhost', '/v1/inboxes/nobody@shoal.localhost'],
      ['DELETE', `/v1/inboxes/${inbox}`, `/v1/inboxes/ibx_${MISSING}`],
      ['POST', `/v1/inboxes/${inbox}/send`, `/v1/inboxes/ibx_${MISSING}/send`, mail],
      ['POST', `/v1/inboxes/${inbox}/stop`, `/v1/inboxes/ibx_${MISSING}/stop`],
      ['POST', `/v1/inboxes/${inbox}/pause`, `/v1/inboxes/ibx_${MISSING}/pause`],
      ['POST', `/v1/tokens/${token}/stop`, `/v1/tokens/tok_${'0'.repeat(16)}/stop`],
      ['GET', `/v1/inboxes/${inbox}/emails`, `/v1/inboxes/ibx_${MISSING}/emails`],
      ['GET', `/v1/inboxes/${inbox}/emails/${email}`, `/v1/inboxes/ibx_${MISSING}/emails/${email}`],
      ['GET', `/v1/inboxes/${own}/emails/${email}`, `/v1/inboxes/${own}/emails/eml_${MISSING}`],
      ['GET', `/v1/emails/${email}`, `/v1/emails/eml_${MISSING}`],
      ['GET', `/v1/emails/${email}/raw`, `/v1/emails/eml_${MISSING}/raw`],
      ['GET', `/v1/emails/${email}/attachments/0`, `/v1/emails/eml_${MISSING}/attachments/0`],
      ['POST', `/v1/emails/${email}/cancel`, `/v1/emails/eml_${MISSING}/cancel`],
      ['POST', `/v1/dead-letters/${dead}/requeue`, `/v1/dead-letters/eml_${MISSING}/requeue`],
      ['POST', `/v1/dead-letters/${deadJob}/requeue`, `/v1/dead-letters/job_${MISSING}/requeue`],
      ['DELETE', `/v1/dead-letters/${dead}`, `/v1/dead-letters/eml_${MISSING}`],
      ['DELETE', `/v1/dead-letters/${deadJob}`, `/v1/dead-letters/job_${MISSING}`],
      ['GET', `/v1/operations/${operation}`, `/v1/operations/op_${MISSING}`],
      ['DELETE', `/v1/tokens/${token}`, `/v1/tokens/tok_${'0'.repeat(16)}`],
      ['POST', `/v1/doubts/${doubt}/resolve`, `/v1/doubts/eml_${MISSING}/resolve`, { verdict: 'resend' }],
      ['POST', `/v1/doubts/${doubtJob}/resolve`, `/v1/doubts/job_${MISSING}/resolve`, { verdict: 'resend' }],
    ];
    const before = await statesOf(bench);
    for (const [method, foreign, missing, body] of asked) {
      const asking = body === undefined ? {} : { body };
      const answer = await stranger.ask(method, foreign, asking);
      expect({ foreign, status: answer.status, error: answer.body['error'] }).toEqual({ foreign, status: 404, error: 'not_found' });
      expect(wire(answer)).toEqual(wire(await stranger.ask(method, missing, asking)));
    }
    expect(await statesOf(bench)).toEqual(before);
  });

  it('is told that a route is for operators before anything is looked for', async () => {
    const { stranger } = await openTwo();
    for (const [method = '', path = ''] of FOR_OPERATORS.map((route) => route.split(' '))) {
      const answer = await stranger.ask(method.toUpperCase(), path.replace('{id}', `ibx_${MISSING}`).replace('{name}', 'default'));
      expect({ path, status: answer.status, error: answer.body['error'] }).toEqual({ path, status: 403, error: 'forbidden' });
    }
  });

  it('has a case above for every route that takes an id', async () => {
    const { bench } = await openTwo();
    const { body } = await bench.ask('GET', '/openapi.json');
    const withId = Object.entries(body['paths'] as Record<string, object>).flatMap(([path, methods]) =>
      path.includes('{') ? Object.keys(methods).map((method) => `${method} ${path}`) : [],
    );
    expect(withId.sort()).toEqual(
      [
        'get /v1/inboxes/{id}',
        'delete /v1/inboxes/{id}',
        'post /v1/inboxes/{id}/send',
        'get /v1/inboxes/{id}/emails',
        'get /v1/inboxes/{id}/emails/{emailId}',
        'get /v1/emails/{id}',
        'get /v1/emails/{id}/raw',
        'get /v1/emails/{id}/attachments/{index}',
        'post /v1/emails/{id}/cancel',
        'post /v1/dead-letters/{id}/requeue',
        'delete /v1/dead-letters/{id}',
        'get /v1/operations/{id}',
        'delete /v1/tokens/{id}',
        'post /v1/doubts/{id}/resolve',
        'post /v1/inboxes/{id}/stop',
        'post /v1/inboxes/{id}/pause',
        'post /v1/tokens/{id}/stop',
        ...FOR_OPERATORS,
      ].sort(),
    );
  });

  it('finds nothing of it in any list', async () => {
    const { stranger } = await openTwo();
    for (const path of [
      '/v1/inboxes?active=false',
      '/v1/emails',
      '/v1/emails?status=in_doubt',
      '/v1/dead-letters',
      '/v1/doubts',
      '/v1/captured',
    ])
      expect({ path, data: (await stranger.ask('GET', path)).body['data'] }).toEqual({ path, data: [] });
    expect((await stranger.ask('GET', '/v1/account')).body).toMatchObject({ usage: { inboxCount: 0 } });
  });
});

describe('T2: two accounts', () => {
  it('use the same Idempotency-Key for two mails', async () => {
    const { owner, stranger, ids } = await openTwo();
    const own = await stranger.openInbox('eve');
    const send = (account: Account, inbox: string, subject: string): Promise<Answer> =>
      account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: { ...mail, subject }, headers: { 'idempotency-key': 'order-17' } });
    const first = await send(owner, ids.inbox, 'one');
    const second = await send(stranger, own, 'two');
    expect([first, second]).toMatchObject([
      { status: 202, body: { deduplicated: false } },
      { status: 202, body: { deduplicated: false } },
    ]);
    expect(second.body['id']).not.toBe(first.body['id']);
  });
});

async function statesOf(bench: Awaited<ReturnType<typeof openHttpBench>>): Promise<unknown[]> {
  return (await bench.ledger.list({ max: 100 })).jobs.map(({ id, state }) => ({ id, state }));
}
