import { expect, it } from 'vitest';
import { printed } from '../../../../bench/storm/judge.mjs';
import { sigtermStorm } from '../../../../bench/storm/sigterm-storm.mjs';
import { until } from '../../../../bench/storm/wait.mjs';
import { openStage } from './stage.ts';

/** `bench/storm.mjs --sigterm` does it fifty times. */
const STOPS = 10;

it('drains and exits with 0 when asked to stop under load, and nothing is lost, doubled or in doubt', async () => {
  const seed = 20_260;
  const { sheet } = await sigtermStorm({ stops: STOPS, ratePerSecond: 50, seed });
  expect(sheet.adds, printed(`seed ${seed}`, sheet)).toBe(true);
});

it('shows as in doubt what had no reply when the time to drain was over', async () => {
  let isAtDot = false;
  const stage = await openStage('drain-ends', {
    drainMs: 300,
    sink: {
      onDot: () => {
        if (isAtDot) return undefined;
        isAtDot = true;
        return new Promise(() => undefined); // the first one is never answered
      },
    },
  });
  stage.answerOnly();
  await stage.api.whenReady();
  await stage.api.open();
  const stopping = stage.work('stopping');
  const mail = await stage.submit(1);
  await until('the dot is at the server', 20_000, () => isAtDot);
  stopping.signal('SIGTERM');

  await until('the process ended, whatever its mail server still thinks about', 30_000, () => !stopping.isAlive());
  expect(await stopping.ended).toEqual({ code: 0, signal: null });
  stage.work('next');
  await stage.whenStatus(mail, 'in_doubt');
  await stage.whenAllIsOver(2);
  expect(await stage.tell(mail)).toMatchObject({ status: 'in_doubt' });
  expect(stage.copiesOf(mail)).toHaveLength(1);
});
