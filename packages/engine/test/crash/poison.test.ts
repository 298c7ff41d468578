import { expect, it } from 'vitest';
import { mailOf } from '../../../../bench/storm/load.mjs';
import { endsOf, openStage } from './stage.ts';

const NEIGHBOURS = 20;
const DEADLY = new URL('./killed-at-recipient.mjs', import.meta.url).href;

it('runs a job that kills its worker apart from its second crash on, calls it poison after two there, and lets no neighbour die', async () => {
  const stage = await openStage('poison', { sink: { replyDelayMs: 20 } });
  stage.answerOnly();
  await stage.api.whenReady();
  await stage.api.open();
  const workers = stage.keepWorking(['one', 'two'], { preload: DEADLY });

  const deadly = await stage.api.submit({ ...mailOf(0, 1, 'hold'), to: 'poison@sink.test' });
  expect(deadly?.status).toBe(202);
  // Under resend, since a neighbour may be at its dot when the process dies around it.
  const neighbours = await Promise.all(Array.from({ length: NEIGHBOURS }, (_, index) => stage.submit(index + 1, 'resend')));

  const told = await stage.whenStatus({ to: 'poison@sink.test', id: deadly?.body.id, requests: 1 }, 'failed');
  expect(endsOf(told)).toEqual(['crash', 'crash', 'crash', 'crash']);
  expect(told.jobs).toMatchObject([{ state: 'dead', reason: 'poison' }]);
  // Only the first two crashes hit a worker that others share.
  expect(workers.ownEnds).toHaveLength(2);
  for (const neighbour of neighbours) {
    await stage.whenStatus(neighbour, 'sent');
    expect(stage.copiesOf(neighbour).length).toBeGreaterThanOrEqual(1);
  }
});
