import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { STATES } from '../../model/job.ts';
import type { Meter } from '../../ports/meter.ts';

/** Seconds; a submit with its sync of the disk is in the middle. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** The usual 10 ms would wake a server at rest a hundred times a second. */
const LAG_LOOK_MS = 1_000;

/** A registry of its own: the program we are part of keeps the global one. */
export function prometheusMeter(): Meter {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_LOOK_MS });
  const requests = new Histogram({
    name: 'shoal_http_request_seconds',
    help: 'Requests by route and status, and how long they took.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const jobs = new Gauge({ name: 'shoal_jobs', help: 'Jobs on record, by state.', labelNames: ['state'], registers });
  const oldest = gauge('shoal_oldest_runnable_seconds', 'Age of the oldest job that could run now; 0 when there is none.');
  const senders = gauge('shoal_senders_with_backlog', 'Senders with a job that could run now.');
  const workers = gauge('shoal_workers', 'Workers that were heard of lately.');
  const sending = gauge('shoal_sending', 'Mails under way in all workers, as last heard.');
  return {
    request({ method, route, status, durationMs }) {
      requests.observe({ method, route, status }, durationMs / 1_000);
    },
    async exposition(ledger) {
      for (const state of STATES) jobs.set({ state }, ledger.byState[state]);
      oldest.set(ledger.oldestReadyMs / 1_000);
      senders.set(ledger.sendersWithBacklog);
      workers.set(ledger.workers);
      sending.set(ledger.sending);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
