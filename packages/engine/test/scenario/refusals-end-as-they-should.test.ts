import { expect, it } from 'vitest';
import { inParallel } from '../../../../bench/storm/records.mjs';
import { isCopy } from '../../../../bench/storm/sink.mjs';
import { until } from '../../../../bench/storm/wait.mjs';
import { endsOf, openStage, type Stage } from '../crash/stage.ts';

/** An hour takes 3.6 s: a schedule of minutes passes in moments, and the order of its steps stays. */
const RETRY_SCALE = 0.001;

async function open(name: string, sink: Parameters<typeof openStage>[1] = {}): Promise<Stage> {
  const stage = await openStage(name, { leaseMs: 5_000, retryScale: RETRY_SCALE, ...sink });
  stage.serve();
  await stage.api.whenReady();
  await stage.api.open();
  return stage;
}

it('delivers greylisted mail on the second attempt', async () => {
  const stage = await open('greylist', { sink: { greylists: true } });
  const sent = await stage.submit(1);
  const told = await stage.whenStatus(sent, 'sent');
  expect(endsOf(told)).toEqual(['retry', 'sent']);
  expect(stage.copiesOf(sent)).toHaveLength(1);
});

it('makes a dead letter of a 550 at once', async () => {
  const stage = await open('refused', { sink: { refuses: { nobody: '550 5.1.1 no such user' } } });
  const sent = await stage.submit(1, 'hold', { to: 'nobody@sink.test' });
  const told = await stage.whenStatus(sent, 'failed');
  expect(endsOf(told)).toEqual(['dead']);
  expect(told.jobs[0]?.attempts[0]?.note).toContain('550');
});

it('sends no second copy to the recipient that was accepted, when one has to wait and one is refused', async () => {
  const stage = await open('three-recipients', {
    sink: { refuses: { later: '450 4.2.0 try again later', never: '550 5.1.1 no such user' } },
  });
  const to = ['later@sink.test', 'never@sink.test', 'now@sink.test'];
  const answer = await stage.api.ask('POST', '/v1/emails/send', { from: stage.api.from, to, subject: 'three', text: 'Hello.' });
  expect(answer?.status).toBe(202);
  const told = await until('both jobs that may be sent are sent', 60_000, async () => {
    const email = await stage.api.read(`/v1/emails/${answer?.body.id}`);
    const states = email.jobs.map((job: { state: string }) => job.state).sort();
    return states.join() === 'dead,sent,sent' ? email : undefined;
  });
  const recipients = Object.fromEntries(
    told.jobs.map((job: { state: string; recipients: string[] }) => [job.recipients.join(), job.state]),
  );
  expect(recipients).toEqual({ 'now@sink.test': 'sent', 'later@sink.test': 'sent', 'never@sink.test': 'dead' });
  expect(
    stage
      .dots()
      .map((dot) => dot.to)
      .sort(),
  ).toEqual(['later@sink.test', 'now@sink.test']);
});

it('delivers a thousand mails of which an eighth is deferred first', async () => {
  const stage = await open('deferred', { sink: { deferShare: 0.128, seed: 3 } });
  const sent = await inParallel(
    Array.from({ length: 1_000 }, (_, index) => index),
    (index) => stage.submit(index),
  );
  await until(
    'every mail has arrived',
    90_000,
    () =>
      new Set(
        stage
          .dots()
          .filter(isCopy)
          .map(({ to }) => to),
      ).size === 1_000,
  );
  const deferred = stage.dots().filter((dot) => !isCopy(dot));
  expect(deferred.length).toBeGreaterThan(80);
  expect(stage.dots().filter(isCopy)).toHaveLength(sent.length);
});
