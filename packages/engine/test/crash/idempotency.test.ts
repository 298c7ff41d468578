import { expect, it } from 'vitest';
import { mailOf } from '../../../../bench/storm/load.mjs';
import { openStage } from './stage.ts';

const REQUESTS = 100;

it('makes one job of 100 parallel requests with one key to two servers on one file, and the same after a restart', async () => {
  const stage = await openStage('one-key');
  const one = stage.serve();
  await stage.api.whenReady();
  await stage.api.open();
  const other = await stage.serveToo('other');
  await other.api.whenReady();
  const mail = mailOf(1, 1, 'hold');

  const answers = await Promise.all(Array.from({ length: REQUESTS }, (_, index) => (index % 2 === 0 ? stage.api : other.api).submit(mail)));
  expect(answers.map((answer) => answer?.status)).toEqual(Array(REQUESTS).fill(202));
  expect(new Set(answers.map((answer) => answer?.body.id)).size).toBe(1);
  expect(answers.filter((answer) => answer?.body.deduplicated !== true)).toHaveLength(1);
  const id: string = answers[0]?.body.id;
  const sent = { to: mail.to, id, requests: REQUESTS };
  expect((await stage.whenStatus(sent, 'sent')).jobs).toHaveLength(1);

  const changed = await other.api.submit({ ...mail, subject: 'Another subject' });
  expect(changed?.status).toBe(409);
  expect(JSON.stringify(changed?.body)).toContain('subject');

  for (const child of [one, other.child]) child.signal('SIGKILL');
  await Promise.all([one.ended, other.child.ended]);
  stage.serve('again');
  await stage.api.whenReady();
  expect(await stage.api.submit(mail)).toMatchObject({ status: 202, body: { id, deduplicated: true } });
  expect(await stage.api.submit({ ...mail, text: 'Another text' })).toMatchObject({ status: 409 });

  expect(stage.copiesOf(sent)).toHaveLength(1);
});

it('answers a repeat without a key with the first job, across two servers', async () => {
  const stage = await openStage('no-key');
  stage.serve();
  await stage.api.whenReady();
  await stage.api.open();
  const other = await stage.serveToo('other');
  await other.api.whenReady();
  const { key: _, to, ...content } = mailOf(1, 1, 'hold');
  const body = { ...content, to: [to], from: stage.api.from };

  const first = await stage.api.ask('POST', '/v1/emails/send', body);
  const repeat = await other.api.ask('POST', '/v1/emails/send', body);
  expect(first?.status).toBe(202);
  expect(repeat).toMatchObject({ status: 202, body: { id: first?.body.id, deduplicated: true } });
  const sent = { to, id: first?.body.id, requests: 2 };
  await stage.whenStatus(sent, 'sent');
  expect(stage.copiesOf(sent)).toHaveLength(1);
});
