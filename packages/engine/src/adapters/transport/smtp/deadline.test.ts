import { expect, it } from 'vitest';
import { createManualClock } from '../../../testing/manual-clock.ts';
import { Deadline } from './deadline.ts';

function open(): { readonly clock: ReturnType<typeof createManualClock>; readonly deadline: Deadline; readonly missed: number[] } {
  const clock = createManualClock(0);
  const missed: number[] = [];
  return { clock, deadline: new Deadline(clock, () => missed.push(clock.now())), missed };
}

it('goes off once, at its moment', async () => {
  const { clock, deadline, missed } = open();
  deadline.set(100);
  await clock.advance(99);
  expect(missed).toEqual([]);
  await clock.advance(1_000);
  expect(missed).toEqual([100]);
});

it('moves out and in, with one timer', async () => {
  const { clock, deadline, missed } = open();
  deadline.set(100);
  await clock.advance(50);
  deadline.set(100);
  expect(clock.pending).toBe(1);
  await clock.advance(60);
  expect(missed).toEqual([]);
  deadline.set(600);
  deadline.set(10);
  expect(clock.pending).toBe(1);
  await clock.advance(1_000);
  expect(missed).toEqual([120]);
});

it('leaves no timer when it is stopped', async () => {
  const { clock, deadline, missed } = open();
  deadline.set(100);
  deadline.stop();
  expect(clock.pending).toBe(0);
  await clock.advance(1_000);
  expect(missed).toEqual([]);
});
