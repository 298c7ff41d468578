import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { expect, it } from 'vitest';
import { serveShoal } from './served-shoal.ts';

/** The package `@lobsterkit/lobstermail` 1.7.0 as npm gives it: only the base URL is ours. */

const shoal = serveShoal();

/** A script of its user, who has `lm`; what it answers is printed. */
const script = (body: string, config = ''): string => `
  import { LobsterMail } from '@lobsterkit/lobstermail';
  const baseUrl = process.env.SHOAL_URL;
  const seen = (promise) => promise.then((value) => ({ value }), (error) => ({ error: error.constructor.name, code: error.code, status: error.statusCode ?? error.status, message: error.message }));
  const answer = await (async () => {
    const lm = await LobsterMail.create({ baseUrl${config} });
    ${body}
  })();
  console.log(JSON.stringify(answer));
`;

it('signs up, keeps the token in a file of mode 600 in a folder of mode 700, and signs up only once', async () => {
  const home = shoal.newHome();
  const counted = (body: string): string => `
    const ask = globalThis.fetch;
    globalThis.asked = [];
    globalThis.fetch = (...args) => (asked.push(String(args[0]?.url ?? args[0])), ask(...args));
    ${script(body)}`;
  const first = await shoal.run(counted('return { asked, id: (await lm.getAccount()).id };'), { home });
  expect(first.said()['asked']).toEqual([`${shoal.url}/v1/signup`, `${shoal.url}/v1/account`]);
  const folder = join(home, '.lobstermail');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'token')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, 'token'), 'utf8').trim()).toMatch(/^\S{20,}$/);
  const second = await shoal.run(counted('const before = [...asked]; return { before, id: (await lm.getAccount()).id };'), { home });
  expect(second.said()).toEqual({ before: [], id: first.said()['id'] });
});

it('gives all fields of an account', async () => {
  const { said } = await shoal.run(script('await lm.createInbox(); return lm.getAccount();'));
  expect(said()).toMatchObject({
    tier: 4,
    tierName: 'scale',
    limits: { maxInboxes: null, canSend: true },
    usage: { inboxCount: 1, emailsToday: 0, emailsThisMonth: 0, totalEmailsReceived: 0 },
    verificationRequired: false,
    verificationMethods: [],
    verifiedAt: null,
    xVerificationPending: false,
    hasPaymentMethod: false,
    createdAt: expect.stringMatching(/Z$/),
    lastActiveAt: expect.stringMatching(/Z$/),
  });
});

it('opens, lists, finds and deletes inboxes; a deleted one can still be read', async () => {
  const { said } = await shoal.run(
    script(`
      const made = await lm.createInbox({ localPart: 'lm-billing', displayName: 'Billing' });
      const random = await lm.createInbox();
      const listed = (await lm.listInboxes()).map(({ address }) => address);
      const found = await lm.getInbox(made.id);
      await lm.deleteInbox(made.id);
      const after = await lm.getInbox(made.id);
      return {
        address: made.address, displayName: found.displayName, wasActive: found.isActive, random: random.address,
        listed, isActive: after.isActive, left: (await lm.listInboxes()).length,
        taken: await seen(lm.createInbox({ localPart: 'lm-billing' })),
      };`),
  );
  const { random, ...rest } = said();
  expect(random).toMatch(/@shoal\.localhost$/);
  expect(rest).toEqual({
    address: 'lm-billing@shoal.localhost',
    displayName: 'Billing',
    wasActive: true,
    listed: ['lm-billing@shoal.localhost', random],
    isActive: false,
    left: 1,
    taken: { error: 'AddressCollisionError', code: 'address_collision', status: 409, message: expect.stringContaining('lm-billing') },
  });
});

it('gives two processes that race for one name two addresses', async () => {
  const race = script(
    "return { addresses: (await Promise.all([1, 2].map(() => lm.createSmartInbox({ name: 'outreach-worker' })))).map(({ address }) => address) };",
  );
  const rans = await Promise.all([shoal.run(race), shoal.run(race)]);
  const addresses = rans.flatMap(({ said }) => said()['addresses'] as string[]);
  expect(new Set(addresses).size).toBe(4);
  expect(addresses).toContain('outreach-worker@shoal.localhost');
  for (const address of addresses) expect(address).toMatch(/^o(utreach)?-worker\d?@/);
});

it('sends a body to the mail server, with its answer to another mail', async () => {
  const { said } = await shoal.run(
    script(`
      const inbox = await lm.createSmartInbox({ name: 'lm-sender' });
      const sent = await inbox.send({
        to: 'ann@example.net', cc: ['bob@example.net'], subject: 'Follow-up', replyTo: inbox.address,
        body: { text: 'lm-text-1', html: '<p>lm-html-1</p>' }, inReplyTo: '<m1@example.net>', threadId: 'thd_4c1d',
      });
      return { ...sent, address: inbox.address };`),
  );
  expect(said()).toMatchObject({ id: expect.stringMatching(/^eml_/), status: 'queued' });
  const mail = await PostalMime.parse(await shoal.untilArrived('lm-text-1'));
  expect(mail).toMatchObject({ subject: 'Follow-up', inReplyTo: '<m1@example.net>', from: { address: said()['address'] } });
  expect(mail.text?.trim()).toBe('lm-text-1');
  expect(mail.html?.trim()).toBe('<p>lm-html-1</p>');
});

it('makes a text of a mail that has only html', async () => {
  await shoal.run(
    script(
      "const inbox = await lm.createInbox(); return inbox.send({ to: ['ann@example.net'], subject: 'x', body: { html: '<p>lm-html-2</p>' } });",
    ),
  );
  const mail = await PostalMime.parse(await shoal.untilArrived('lm-html-2'));
  expect(mail.text).toContain('lm-html-2');
});

it('sends files with a mail', async () => {
  await shoal.run(
    script(`
      const inbox = await lm.createInbox();
      return inbox.send({ to: 'ann@example.net', subject: 'x', body: { text: 'lm-file' }, attachments: [{ filename: 'a.txt', contentType: 'text/plain', content: 'aGk=' }] });`),
  );
  const { attachments } = await PostalMime.parse(await shoal.untilArrived('lm-file'));
  expect(attachments.map(({ filename, mimeType }) => ({ filename, mimeType }))).toEqual([{ filename: 'a.txt', mimeType: 'text/plain' }]);
});

it('refuses a mail whose text the package drops, says so, and sends nothing', async () => {
  const { said } = await shoal.run(
    script(
      "const inbox = await lm.createInbox(); return seen(inbox.send({ to: 'ann@example.net', subject: 'lm-bodiless', text: 'lost' }));",
    ),
  );
  expect(said()).toMatchObject({ error: 'LobsterMailError', status: 400, message: expect.stringContaining('body.text') });
  expect(shoal.arrived('lm-bodiless')).toEqual([]);
});

it('tells whoever has the token of another server what to do', async () => {
  const home = shoal.newHome();
  await shoal.run(script('return {};'), { home });
  writeFileSync(join(home, '.lobstermail', 'token'), 'lm_sk_live_of_another_server\n');
  const { said } = await shoal.run(script('return seen(lm.getAccount());'), { home });
  expect(said()).toMatchObject({ error: 'AuthenticationError', status: 401 });
  expect(said()['message']).toMatch(/token.*~\/\.lobstermail\/token/);
});

it('answers an unknown inbox with NotFoundError, and one of another account too', async () => {
  const { said: other } = await shoal.run(script('return { id: (await lm.createInbox()).id };'));
  const { said } = await shoal.run(
    script(`return { unknown: await seen(lm.getInbox('ibx_unknown')), foreign: await seen(lm.getInbox('${String(other()['id'])}')) };`),
  );
  expect(said()).toMatchObject({ unknown: { error: 'NotFoundError', status: 404 }, foreign: { error: 'NotFoundError', status: 404 } });
});
