import { expect, it } from 'vitest';
import {
  crowded,
  failed,
  GATE_CALM_MS,
  GATE_CLOSED_MS_MAX,
  type Gate,
  gateOpensAt,
  gotThrough,
  leasedThrough,
  OPEN_GATE,
  perMinute,
  reopened,
  retryOpensAt,
  type Throttle,
  throttled,
} from './gate.ts';

const T0 = 1_800_000_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const slowDown = (startedAt: number, wish: Partial<Throttle> = {}): Throttle => ({
  askedMs: 0,
  baseMs: 30 * SECOND,
  spread: 0.5,
  startedAt,
  note: '421 4.7.0 slow down',
  ...wish,
});
const taken = (gate: Gate, at: number): Gate => gotThrough(gate, { startedAt: at, isTaken: true }, at);
/** 120 mails in the minute before T0. */
const busyMinute = (): Gate => repeat(120, OPEN_GATE, (gate, n) => taken(gate, T0 - MINUTE + n * 500));
const repeat = (times: number, gate: Gate, act: (gate: Gate, n: number) => Gate): Gate =>
  Array.from({ length: times }).reduce<Gate>((each, _, n) => act(each, n), gate);

it('waits longer each time, up to a quarter of an hour, and briefly again after a calm time', () => {
  let gate = OPEN_GATE;
  let now = T0;
  const waits = [];
  for (let n = 0; n < 8; n++) {
    gate = throttled(gate, slowDown(now), now);
    waits.push((gate.closedUntil - now) / SECOND);
    now = gate.closedUntil;
  }
  expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
  now += GATE_CALM_MS;
  gate = throttled(gate, slowDown(now), now);
  expect(gate.closedUntil - now).toBe(30 * SECOND);
});

it('waits as long as the peer asks for, also beyond its own longest wait', () => {
  const gate = throttled(OPEN_GATE, slowDown(T0, { askedMs: 2 * GATE_CLOSED_MS_MAX }), T0);
  expect(gateOpensAt(gate, 0, T0)).toBe(T0 + 2 * GATE_CLOSED_MS_MAX);
});

it('spreads its own waits by a tenth, and never shortens what the peer asked for', () => {
  expect(throttled(OPEN_GATE, slowDown(T0, { spread: 0 }), T0).closedUntil - T0).toBe(27 * SECOND);
  expect(throttled(OPEN_GATE, slowDown(T0, { spread: 1 }), T0).closedUntil - T0).toBe(33 * SECOND);
  expect(throttled(OPEN_GATE, slowDown(T0, { spread: 0, askedMs: 30 * SECOND }), T0).closedUntil - T0).toBe(30 * SECOND);
});

it('hears the crowd that was under way as it closed once', () => {
  const once = throttled(OPEN_GATE, slowDown(T0 - SECOND), T0);
  const crowd = repeat(20, once, (gate, n) => throttled(gate, slowDown(T0 - SECOND), T0 + n));
  expect(crowd).toEqual(once);
});

it('takes no late word of that crowd for news: the probe that goes meanwhile still counts', () => {
  const closed = throttled(OPEN_GATE, slowDown(T0 - SECOND), T0);
  const now = closed.closedUntil + 5 * SECOND;
  expect(throttled(closed, slowDown(T0 - SECOND), now)).toEqual(closed);
  expect(throttled(closed, slowDown(T0 - SECOND, { askedMs: MINUTE }), now).closedUntil).toBe(now + MINUTE);
});

it('halves the rate that was too much, and gives a tenth of it back each clean minute', () => {
  const slow = throttled(busyMinute(), slowDown(T0, { askedMs: MINUTE }), T0);
  const opensAt = T0 + MINUTE;
  expect(perMinute(slow, opensAt)).toBe(60);
  expect(perMinute(slow, opensAt + MINUTE)).toBe(72);
  expect(perMinute(slow, opensAt + 4 * MINUTE)).toBe(108);
  expect(perMinute(slow, opensAt + 5 * MINUTE)).toBeUndefined();
  const twice = throttled(taken(slow, opensAt), slowDown(opensAt, { askedMs: MINUTE }), opensAt);
  expect(perMinute(twice, opensAt + MINUTE)).toBe(30);
});

it('lets mail through at the rate it has, one after another', () => {
  const slow: Gate = { ...throttled(busyMinute(), slowDown(T0, { askedMs: MINUTE }), T0), openMax: 50 };
  const now = T0 + MINUTE;
  expect(gateOpensAt(slow, 0, now)).toBe(0);
  const after = leasedThrough(slow, { count: 1, retryCount: 0 }, now);
  expect(gateOpensAt(after, 1, now)).toBe(now + SECOND);
});

it('slows down no further when only its probe is turned away', () => {
  const slow = throttled(busyMinute(), slowDown(T0), T0);
  const again = throttled(slow, slowDown(slow.closedUntil), slow.closedUntil);
  expect(perMinute(again, again.closedUntil)).toBe(60);
});

it('takes the rate of a sender that has just begun for what it is', () => {
  const begun = repeat(20, OPEN_GATE, (gate, n) => taken(gate, T0 - 2 * SECOND + n * 100));
  expect(perMinute(throttled(begun, slowDown(T0), T0), T0 + MINUTE)).toBe(300);
});

it('does not slow down a sender that had sent nothing', () => {
  expect(perMinute(throttled(OPEN_GATE, slowDown(T0), T0), T0 + MINUTE)).toBeUndefined();
});

it('closes at ten tries within half a minute of which half failed, and not before', () => {
  const nine = repeat(9, OPEN_GATE, (gate) => failed(gate, slowDown(T0), T0));
  expect(gateOpensAt(nine, 0, T0)).toBe(0);
  expect(gateOpensAt(failed(nine, slowDown(T0), T0), 0, T0)).toBeGreaterThan(T0);
  const mostlyWell = repeat(11, OPEN_GATE, (gate) => taken(gate, T0));
  expect(
    gateOpensAt(
      repeat(10, mostlyWell, (gate) => failed(gate, slowDown(T0), T0)),
      0,
      T0,
    ),
  ).toBe(0);
  const slowly = repeat(30, OPEN_GATE, (gate, n) => failed(gate, slowDown(T0 + n * 10 * SECOND), T0 + n * 10 * SECOND));
  expect(slowly.closedUntil).toBe(0);
});

it('has one probe after it was closed, and as many more as were taken', () => {
  const closed = throttled(OPEN_GATE, slowDown(T0), T0);
  const now = closed.closedUntil;
  expect([0, 1].map((open) => gateOpensAt(closed, open, now))).toEqual([0, Number.POSITIVE_INFINITY]);
  const three = taken(taken(closed, now), now);
  expect([2, 3].map((open) => gateOpensAt(three, open, now))).toEqual([0, Number.POSITIVE_INFINITY]);
  const all = repeat(63, closed, (gate) => taken(gate, now));
  expect(gateOpensAt(all, 10_000, now)).toBe(0);
});

it('closes again when the probe fails', () => {
  const closed = throttled(OPEN_GATE, slowDown(T0), T0);
  const again = failed(closed, slowDown(closed.closedUntil), closed.closedUntil);
  expect(again).toMatchObject({ why: 'failing', level: 1 });
  expect(again.closedUntil - closed.closedUntil).toBe(MINUTE);
});

it('uses one connection fewer than were in use, and one more for each round that went well', () => {
  const fewer = crowded(OPEN_GATE, 5);
  expect([3, 4].map((open) => gateOpensAt(fewer, open, T0))).toEqual([0, Number.POSITIVE_INFINITY]);
  const round = repeat(5, fewer, (gate) => taken(gate, T0));
  expect(gateOpensAt(round, 4, T0)).toBe(0);
  expect(crowded(crowded(OPEN_GATE, 1), 1).openMax).toBe(1);
});

it('has a hundred retries, a tenth more for each mail taken, and ten a minute whatever happens', () => {
  expect(retryOpensAt(OPEN_GATE, T0)).toBe(0);
  const spent = leasedThrough(OPEN_GATE, { count: 100, retryCount: 100 }, T0);
  expect(retryOpensAt(spent, T0)).toBe(T0 + 6 * SECOND);
  expect(retryOpensAt(spent, T0 + 6 * SECOND)).toBe(0);
  expect(
    retryOpensAt(
      repeat(10, spent, (gate) => taken(gate, T0)),
      T0 + 1,
    ),
  ).toBe(0);
});

it('is as new when somebody says that the peer is well', () => {
  const gate = reopened(
    throttled(
      repeat(120, OPEN_GATE, (each) => taken(each, T0)),
      slowDown(T0),
      T0,
    ),
  );
  expect(gateOpensAt(gate, 1_000, T0)).toBe(0);
  expect(perMinute(gate, T0)).toBeUndefined();
  expect(gate.sent.count).toBe(120);
});
