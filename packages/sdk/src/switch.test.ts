import { expect, it } from 'vitest';
import { Shoal, ShoalError } from './index.ts';

/** What a server was asked, and what it answers to anything. */
async function client(answer: () => Response = () => Response.json({ id: 'ibx_1', holds: [] })) {
  const asked: unknown[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const text = await request.text();
    asked.push([request.method, new URL(request.url).pathname, ...(text === '' ? [] : [JSON.parse(text)])]);
    return answer();
  };
  return { mail: await Shoal.create({ fetch, token: 't' }), asked };
}

it('finds the route of what is to be stopped or started by its name', async () => {
  const { mail, asked } = await client();
  await mail.stop();
  await mail.stop('acct_1', { note: 'enough' });
  await mail.stop('tok_1');
  await mail.start('bot@shoal.localhost');
  await mail.pause('ibx_1');
  await mail.resume('ibx_1');
  expect(asked).toEqual([
    ['POST', '/v1/account/stop', {}],
    ['POST', '/v1/account/stop', { account: 'acct_1', note: 'enough' }],
    ['POST', '/v1/tokens/tok_1/stop', {}],
    ['POST', '/v1/inboxes/bot%40shoal.localhost/start', {}],
    ['POST', '/v1/inboxes/ibx_1/pause', {}],
    ['POST', '/v1/inboxes/ibx_1/resume', {}],
  ]);
});

it('refuses to pause what cannot be paused, and to stop what has an empty name, instead of the whole account', async () => {
  const { mail, asked } = await client();
  for (const act of [
    () => mail.pause('acct_1'),
    () => mail.resume('tok_1'),
    () => mail.pause(''),
    () => mail.stop(''),
    () => mail.setBounds('acct_1', {}),
  ])
    await expect(act()).rejects.toMatchObject({ code: 'bad_option' });
  expect(asked).toEqual([]);
});

it('sets bounds of tokens and inboxes, and makes tokens', async () => {
  const { mail, asked } = await client(() => Response.json({ id: 'tok_1', token: 'secret', data: [{ id: 'tok_1' }] }));
  await mail.setBounds('tok_1', { caps: { perHour: 50 } });
  await mail.setBounds('ibx_1', { policy: { recipients: 'listed', allow: ['example.com'] } });
  expect((await mail.createToken({ ownAccount: true, caps: { perDay: { newRecipients: 9 } } })).token).toBe('secret');
  expect(await mail.tokens()).toEqual([{ id: 'tok_1' }]);
  expect(asked).toEqual([
    ['PATCH', '/v1/tokens/tok_1', { caps: { perHour: 50 } }],
    ['PATCH', '/v1/inboxes/ibx_1', { policy: { recipients: 'listed', allow: ['example.com'] } }],
    ['POST', '/v1/tokens', { ownAccount: true, caps: { perDay: { newRecipients: 9 } } }],
    ['GET', '/v1/tokens'],
  ]);
});

it('gives up at once when a budget frees only after the time there is, and says when it does', async () => {
  const usedUp = { error: 'budget_used_up', message: 'used up', retryable: true, hint: '', requestId: 'req_1', details: { used: '20' } };
  const { mail, asked } = await client(() => Response.json(usedUp, { status: 429, headers: { 'Retry-After': '1800' } }));
  const error = await mail.tokens().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ShoalError);
  expect(error).toMatchObject({ code: 'budget_used_up', status: 429, retryable: true, retryAfterMs: 1_800_000, details: { used: '20' } });
  expect(asked).toHaveLength(1);
});

it('hands the forecast and the budget of a mail on, and its priority in', async () => {
  const forecast = { at: null, kind: 'pause', because: 'inbox ibx_1 is held: Until Monday.', ahead: 0 };
  const budget = [{ of: 'tok_1', unit: 'messages', max: 2, windowSeconds: 3_600, used: 1, left: 1, nextFreeAt: null }];
  const { mail, asked } = await client(() =>
    Response.json({ id: 'eml_1', address: 'bot@shoal.localhost', status: 'queued', deduplicated: false, forecast, budget }),
  );
  const email = await (await mail.inbox('bot')).send({ to: 'ann@example.com', subject: 'Hi', text: 'Hi', priority: 'high' });
  expect(email).toMatchObject({ id: 'eml_1', forecast, budget });
  expect(asked.at(-1)).toMatchObject(['POST', '/v1/emails/send', { priority: 'high' }]);
});
