import { expect, it } from 'vitest';
import { mailOf } from '../../../../bench/storm/load.mjs';
import { endsOf, openStage } from './stage.ts';

const HANGS = new URL('./hung-at-recipient.mjs', import.meta.url).href;

it('kills the child that a job set apart hangs, counts its crash, and goes on', async () => {
  const stage = await openStage('hung-child', { drainMs: 2_000 });
  stage.answerOnly();
  await stage.api.whenReady();
  await stage.api.open();
  stage.keepWorking(['one'], { preload: HANGS });

  const deadly = await stage.api.submit({ ...mailOf(0, 1, 'hold'), to: 'poison@sink.test' });
  const told = await stage.whenStatus({ to: 'poison@sink.test', id: deadly?.body.id, requests: 1 }, 'failed');
  expect(endsOf(told)).toEqual(['crash', 'crash', 'crash', 'crash']);
  expect(told.jobs).toMatchObject([{ state: 'dead', reason: 'poison' }]);
  const neighbour = await stage.submit(1);
  await stage.whenStatus(neighbour, 'sent');
});
