import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { until } from '../../../../bench/storm/wait.mjs';
import { endsOf, openStage } from './stage.ts';

const HOUR_MS = 3_600_000;
const MAILS = 30;
const SHIFT = new URL('./shifted-wall-clock.mjs', import.meta.url).href;
const LIBFAKETIME = ['x86_64', 'aarch64']
  .map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

/** How each worker's calendar is set wrong: in JavaScript alone, and below it, where SQLite would see it as well. */
const WAYS = [
  {
    how: 'a preloaded script',
    settings: (shiftMs: number) => ({ preload: SHIFT, env: { CLOCK_SHIFT_MS: String(shiftMs) } }),
    isHere: true,
  },
  {
    how: 'libfaketime (apt-get install -y faketime)',
    settings: (shiftMs: number) => ({
      env: {
        LD_PRELOAD: LIBFAKETIME ?? '',
        FAKETIME: `${shiftMs < 0 ? '-' : '+'}${Math.abs(shiftMs) / 1_000}s`,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    }),
    isHere: LIBFAKETIME !== undefined,
  },
];

for (const { how, settings, isHere } of WAYS)
  it.skipIf(!isHere)(
    `takes no lease early and retries no sooner when the calendars of two of three workers are an hour off, by ${how}`,
    async () => {
      // So few places and so slow a server that each worker has its share, and sees leases that the others hold.
      const stage = await openStage('wall-clock', {
        retryScale: 0.001,
        concurrency: 2,
        sink: { seed: 3, deferShare: 0.3, replyDelayMs: 400 },
      });
      stage.answerOnly();
      await stage.api.whenReady();
      await stage.api.open();
      const workers = [stage.work('right'), stage.work('ahead', settings(HOUR_MS)), stage.work('behind', settings(-HOUR_MS))];
      await until('all workers are ready', 60_000, () => workers.every((worker) => worker.saysReady()));
      const mails = await Promise.all(Array.from({ length: MAILS }, (_, index) => stage.submit(index)));

      for (const mail of mails) {
        const told = await stage.whenStatus(mail, 'sent');
        const visits = stage.dots().filter((dot) => dot.to === mail.to);
        // One attempt for each dot, none of them a crash: nobody took a lease that another still held.
        expect(endsOf(told)).toEqual(visits.map((dot) => (dot.reply === '451' ? 'retry' : 'sent')));
        expect(stage.copiesOf(mail)).toHaveLength(1);
      }
      expect(stage.dots().length).toBeGreaterThan(MAILS); // some were deferred, or no retry was seen at all
    },
  );
