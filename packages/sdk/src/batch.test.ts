import { expect, it } from 'vitest';
import { type Inbox, Shoal, ShoalError } from './index.ts';

interface Asked {
  readonly key: string | null;
  readonly path: string;
  readonly body: Readonly<Record<string, never>>;
}

async function openInbox(answer: (path: string, tries: number) => Response): Promise<{ inbox: Inbox; mail: Shoal; asked: Asked[] }> {
  const asked: Asked[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    if (path === '/v1/inboxes') return Response.json({ id: 'ibx_1', address: 'bot@shoal.localhost' });
    const text = await request.text();
    asked.push({ key: request.headers.get('Idempotency-Key'), path, body: text === '' ? {} : JSON.parse(text) });
    return answer(path, asked.length);
  };
  const mail = await Shoal.create({ fetch, token: 't' });
  return { mail, inbox: await mail.createInbox(), asked };
}

const MAIL = { to: 'ann@example.com', subject: 'Hello', text: 'Hi' };
const accepted = () => Response.json({ id: 'eml_1', status: 'queued' }, { status: 202 });

it('hands a batch in under one key, and gives a result for each mail in order', async () => {
  const refusal = {
    index: 1,
    ok: false,
    error: 'refused_value',
    message: 'to: no',
    retryable: false,
    hint: 'mend it',
    details: { to: 'no' },
  };
  const { inbox, asked } = await openInbox((_, tries) =>
    tries === 1
      ? new Response('{}', { status: 503, headers: { 'Retry-After': '0' } })
      : Response.json({ accepted: 1, refused: 1, data: [{ index: 0, ok: true, id: 'eml_1', status: 'queued' }, refusal] }, { status: 202 }),
  );
  const [first, second] = await inbox.sendBatch([{ ...MAIL, idempotencyKey: 'order-1' }, MAIL]);
  expect(first).toMatchObject({ ok: true, email: { id: 'eml_1', status: 'queued', deduplicated: false } });
  expect(second).toMatchObject({ ok: false, error: { code: 'refused_value', hint: 'mend it', details: { to: 'no' } } });
  expect(second?.ok === false && second.error instanceof ShoalError).toBe(true);
  expect(asked.map(({ path }) => path)).toEqual(['/v1/emails/batch', '/v1/emails/batch']);
  expect(asked[0]?.key).toMatch(/^auto_/);
  expect(asked[1]?.key).toBe(asked[0]?.key);
  expect(asked[0]?.body).toEqual({
    emails: [
      { from: 'bot@shoal.localhost', to: ['ann@example.com'], subject: 'Hello', text: 'Hi', idempotencyKey: 'order-1' },
      { from: 'bot@shoal.localhost', to: ['ann@example.com'], subject: 'Hello', text: 'Hi' },
    ],
  });
});

it('names the mail of a batch that has a misspelt field, and sends none', async () => {
  const { inbox, asked } = await openInbox(accepted);
  const misspelt: object = { ...MAIL, body: 'Hi' };
  await expect(inbox.sendBatch([MAIL, misspelt as typeof MAIL])).rejects.toMatchObject({ message: 'sendBatch() mails[1] has no `body`' });
  expect(asked).toEqual([]);
});

it('writes bytes, blobs and files as base64, and leaves base64 as it is', async () => {
  const { inbox, asked } = await openInbox(accepted);
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 256);
  const { File } = await import('node:buffer');
  await inbox.send({
    ...MAIL,
    attachments: [
      { filename: 'a.bin', content: bytes },
      { filename: 'b.txt', content: 'aGk=', contentType: 'text/plain' },
      { content: new File(['hi'], 'c.txt', { type: 'text/csv' }) as unknown as Blob },
      { filename: 'd', content: new Blob([bytes.subarray(0, 2)]), contentId: 'logo' },
    ],
    headers: { 'List-Unsubscribe': '<https://example.com/u>' },
  });
  expect(asked[0]?.body).toMatchObject({
    attachments: [
      { filename: 'a.bin', content: Buffer.from(bytes).toString('base64') },
      { filename: 'b.txt', content: 'aGk=', contentType: 'text/plain' },
      { filename: 'c.txt', content: 'aGk=', contentType: 'text/csv' },
      { filename: 'd', content: 'AAE=', contentId: 'logo' },
    ],
    headers: { 'List-Unsubscribe': '<https://example.com/u>' },
  });
  const wrong = { ...MAIL, attachments: [{ filename: 'a', content: 7 as unknown as string }] };
  await expect(inbox.send(wrong)).rejects.toMatchObject({ code: 'bad_option', message: expect.stringContaining('attachments[0].content') });
});

it('begins an operation once, and waits for its end', async () => {
  const record = (status: string, done: number) => ({
    id: 'op_1',
    kind: 'requeue',
    status,
    matched: 9,
    done,
    failed: 0,
    endedAt: status === 'done' ? 'x' : null,
  });
  const { mail, asked } = await openInbox((path, tries) => {
    if (path === '/v1/dead-letters/requeue') return Response.json(record('running', 0), { status: 202 });
    return Response.json(record(tries < 4 ? 'running' : 'done', tries));
  });
  const operation = await mail.requeueAll({ reason: 'expired', since: 0 });
  expect(asked[0]).toMatchObject({ key: expect.stringMatching(/^auto_/), body: { reason: 'expired', since: '1970-01-01T00:00:00.000Z' } });
  expect(operation).toMatchObject({ id: 'op_1', status: 'running', matched: 9 });
  expect(await operation.wait()).toMatchObject({ status: 'done', done: 4 });
  expect(operation.done).toBe(4);
});

it('says how far an operation was when the wait for it is over', async () => {
  const record = { id: 'op_1', kind: 'purge', status: 'running', matched: 9, done: 2, failed: 0, endedAt: null };
  const { mail } = await openInbox(() => Response.json(record));
  await expect((await mail.operation('op_1')).wait({ timeoutMs: 20 })).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('2 of 9'),
  });
});

it('takes no empty id for all of them', async () => {
  const { mail, asked } = await openInbox(accepted);
  await expect(mail.purgeOne('')).rejects.toMatchObject({ code: 'bad_option' });
  await expect(mail.revokeToken('')).rejects.toMatchObject({ code: 'bad_option' });
  expect(asked).toEqual([]);
});
