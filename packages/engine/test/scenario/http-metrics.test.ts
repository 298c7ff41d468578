import { expect, it } from 'vitest';
import { prometheusMeter } from '../../src/adapters/meter/prometheus/index.ts';
import { openHttpBench } from './http-bench.ts';

it('tells the machine itself how the queue stands, and another machine only with the token of an operator', async () => {
  const meter = prometheusMeter({
    version: '1.2.3',
    leases: () => ({ sending: 2, shelved: 1, unrecorded: 0 }),
    disk: () => ({ freeBytes: 5_000, floorBytes: 1_000, isShort: false }),
  });
  const bench = await openHttpBench({ decorate: () => ({ meter }) });
  const operator = await bench.signUp();
  const agent = await bench.signUp({ remoteAddress: '127.0.0.1' });
  await operator.send(await operator.openInbox('ann'));
  const text = String((await bench.ask('GET', '/metrics', { remoteAddress: '127.0.0.1' })).body['text']);
  expect(text).toContain('shoal_jobs{state="ready"} 1');
  expect(text).toContain('shoal_senders_with_backlog 1');
  expect(text).toContain('shoal_http_request_seconds_count{method="POST",route="/v1/inboxes/:id/send",status="202"} 1');
  expect(text).toContain('nodejs_eventloop_lag_seconds');
  expect(text).toContain('shoal_leases{state="shelved"} 1');
  expect(text).toContain('shoal_disk_free_bytes 5000');
  expect(text).toContain('shoal_build_info{version="1.2.3",node=');
  expect(text).not.toContain(operator.id);
  const afar = { remoteAddress: '192.0.2.7' };
  expect(await bench.ask('GET', '/metrics', afar)).toMatchObject({ status: 401 });
  expect(await agent.ask('GET', '/metrics', afar)).toMatchObject({ status: 403 });
  expect(await operator.ask('GET', '/metrics', afar)).toMatchObject({ status: 200 });
});
