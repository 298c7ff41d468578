import { expect, it } from 'vitest';
import { createManualClock } from './manual-clock.ts';

it('stands still until it is moved', async () => {
  const clock = createManualClock(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect([clock.now(), clock.wallNow()]).toEqual([1_000, 1_000]);
});

it('lets timers go off in the order of their times, each at its own time', async () => {
  const clock = createManualClock(0);
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name} at ${clock.now()}`);
  clock.after(300, note('late'));
  clock.after(100, note('early'));
  clock.after(100, note('early too'));
  await clock.advance(299);
  expect(seen).toEqual(['early at 100', 'early too at 100']);
  await clock.advance(1);
  expect(seen.at(-1)).toBe('late at 300');
  expect(clock.pending).toBe(0);
});

it('lets what a timer sets off run before the next one, also when it sets timers of its own', async () => {
  const clock = createManualClock(0);
  const seen: number[] = [];
  const beat = async (): Promise<void> => {
    for (let n = 0; n < 3; n++) {
      await clock.sleep(100);
      seen.push(clock.now());
    }
  };
  const beating = beat();
  await clock.advance(1_000);
  await beating;
  expect(seen).toEqual([100, 200, 300]);
});

it('forgets a timer that was called off, and ends a sleep when its signal fires', async () => {
  const clock = createManualClock(0);
  let went = false;
  const callOff = clock.after(10, () => {
    went = true;
  });
  callOff();
  const stop = new AbortController();
  const sleeping = clock.sleep(60_000, stop.signal);
  stop.abort();
  await sleeping;
  await clock.sleep(60_000, stop.signal);
  expect([went, clock.pending, clock.now()]).toEqual([false, 0, 0]);
});

it('moves nothing but the calendar when the calendar jumps', () => {
  const clock = createManualClock(1_000);
  clock.jumpCalendar(-3_600_000);
  expect([clock.now(), clock.wallNow()]).toEqual([1_000, 1_000 - 3_600_000]);
});

it('refuses to go back', async () => {
  await expect(createManualClock().advance(-1)).rejects.toThrow(RangeError);
  await expect(createManualClock().advance(Number.NaN)).rejects.toThrow(RangeError);
});
