import { expect, it } from 'vitest';
import { Shoal } from './index.ts';

/** A server with so many mails, in pages of the size it is asked for. */
async function client(count: number) {
  const asked: URLSearchParams[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const query = new URL(request.url).searchParams;
    asked.push(query);
    const from = Number(query.get('cursor') ?? 0);
    const to = Math.min(from + Number(query.get('limit')), count);
    const data = Array.from({ length: to - from }, (_, index) => ({ id: `eml_${from + index}` }));
    return Response.json({ data, cursor: to < count ? String(to) : null });
  };
  return { mail: await Shoal.create({ fetch, token: 't' }), asked };
}

it('gives every entry of every page once, in order', async () => {
  const { mail, asked } = await client(250);
  const ids: string[] = [];
  for await (const { id } of mail.emails()) ids.push(id);
  expect(ids).toEqual(Array.from({ length: 250 }, (_, index) => `eml_${index}`));
  expect(asked).toHaveLength(3);
});

it('asks for nothing before it is used, and for no page after its reader stopped', async () => {
  const { mail, asked } = await client(250);
  const list = mail.emails();
  expect(asked).toHaveLength(0);
  for await (const { id } of list) if (id === 'eml_99') break; // the last of the first page
  expect(asked).toHaveLength(1);
});

it('is an array of the first thousand when it is awaited', async () => {
  const { mail, asked } = await client(1_500);
  expect(await mail.emails()).toHaveLength(1_000);
  expect(asked).toHaveLength(10);
  expect(await (await client(3)).mail.emails()).toEqual([{ id: 'eml_0' }, { id: 'eml_1' }, { id: 'eml_2' }]);
});

it('writes a filter as the server reads it', async () => {
  const { mail, asked } = await client(1);
  await mail.emails({ status: ['failed', 'sent'], inbox: 'bot@shoal.localhost', since: Date.UTC(2030, 0, 1) });
  expect([...(asked[0] ?? [])]).toEqual([
    ['status', 'failed'],
    ['status', 'sent'],
    ['inbox', 'bot@shoal.localhost'],
    ['since', '2030-01-01T00:00:00.000Z'],
    ['limit', '100'],
  ]);
});

it('refuses a misspelt filter, since it would otherwise list too much', async () => {
  const { mail, asked } = await client(1);
  const misspelt: object = { sinse: 0 };
  await expect(mail.emails(misspelt)).rejects.toMatchObject({ code: 'bad_option', message: 'emails() has no `sinse`' });
  await expect(mail.deadLetters({ since: new Date('soon') })).rejects.toMatchObject({ code: 'bad_option' });
  await expect(mail.requeueAll(misspelt)).rejects.toMatchObject({ code: 'bad_option' });
  expect(asked).toEqual([]);
});
