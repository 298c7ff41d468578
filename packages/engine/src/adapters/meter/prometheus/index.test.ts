import { expect, it } from 'vitest';
import { createManualClock, createMemoryLedger } from '../../../testing/index.ts';
import { prometheusMeter } from './index.ts';

it('tells every time in seconds, under the label it was told with', async () => {
  const meter = prometheusMeter({
    version: '0',
    leases: () => ({ sending: 0, shelved: 0, unrecorded: 0 }),
    disk: () => ({ floorBytes: 0, isShort: false }),
  });
  meter.sent(1_500);
  meter.carried('refused', 250);
  meter.wrote({ acts: 7, durationMs: 125 });
  meter.request({ method: 'GET', route: '/v1/emails', status: 200, durationMs: 500 });
  const standing = await createMemoryLedger({ clock: createManualClock() }).stats();
  const lines = (await meter.exposition({ ...standing, oldestReadyMs: 2_500, workers: 2, sending: 9 })).text.split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'shoal_send_latency_seconds_sum 1.5',
      'shoal_attempt_seconds_sum{report="refused"} 0.25',
      'shoal_write_seconds_sum 0.125',
      'shoal_write_acts_total 7',
      'shoal_http_request_seconds_sum{method="GET",route="/v1/emails",status="200"} 0.5',
      'shoal_oldest_runnable_seconds 2.5',
      'shoal_workers 2',
      'shoal_sending 9',
    ]),
  );
});
