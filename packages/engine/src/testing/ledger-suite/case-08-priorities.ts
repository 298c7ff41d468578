import { describe, expect } from 'vitest';
import { laneId } from '../../model/ids.ts';
import { inboxScope } from '../../model/scope.ts';
import { type Desk, type Given, newJob } from './desk.ts';

const fill = (desk: Desk, count: number, wish: Parameters<typeof newJob>[0]) =>
  desk.ledger.enqueue(Array.from({ length: count }, () => newJob(wish)));

/** What goes first within a sender. */
export function priorities(given: Given): void {
  describe('case 8: priorities and weights', () => {
    given('sends a higher priority first, and lets a lower one through once in eight turns', async (desk) => {
      await fill(desk, 30, { priority: 'low', lane: 'bulk' });
      await fill(desk, 30, { priority: 'high', lane: 'codes' });
      const order = [];
      for (let turn = 0; turn < 16; turn++) order.push((await desk.takeOne()).lane);
      expect(order.filter((lane) => lane === 'bulk')).toHaveLength(2);
      expect(order.slice(0, 7).every((lane) => lane === 'codes')).toBe(true);
    });

    given('keeps the priorities of one inbox apart', async (desk) => {
      await fill(desk, 5, {});
      const urgent = await desk.put({ priority: 'high' });
      expect((await desk.takeOne()).jobId).toBe(urgent.id);
    });

    given('shares the turns of a sender by the weights of its inboxes', async (desk) => {
      await desk.ledger.limit([{ scope: inboxScope(laneId('heavy')), limits: { rules: [], weight: 3 } }]);
      await fill(desk, 40, { lane: 'heavy' });
      await fill(desk, 40, { lane: 'light' });
      const leases = await desk.take({ max: 20 });
      const heavy = leases.filter(({ lane }) => lane === 'heavy').length;
      expect(heavy).toBeGreaterThanOrEqual(14);
      expect(heavy).toBeLessThanOrEqual(16);
    });

    given('gives an inbox that was idle no turns for that', async (desk) => {
      await fill(desk, 40, { lane: 'steady' });
      await desk.take({ max: 20 });
      await fill(desk, 20, { lane: 'late' });
      const leases = await desk.take({ max: 10 });
      expect(leases.filter(({ lane }) => lane === 'late').length).toBeLessThanOrEqual(6);
    });
  });
}
