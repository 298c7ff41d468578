import { ShoalError } from '../../model/errors.ts';
import { authenticate } from '../auth.ts';
import { isFromLoopback } from '../door.ts';
import { type Call, openRoute, type Route } from '../route.ts';

export const metricsRoutes: readonly Route[] = [
  openRoute({
    method: 'GET',
    path: '/metrics',
    summary: 'Counters and gauges in the text form of Prometheus; from another machine with the token of an operator.',
    gives: 'text/plain',
    refuses: ['unauthorized', 'forbidden', 'not_found'],
    async answer(call) {
      await refuseStrangers(call);
      const { ledger, meter } = call.deps;
      if (meter === undefined) throw new ShoalError('not_found', 'this server was opened without a meter');
      const [stats, workers] = await Promise.all([ledger.stats(), ledger.workers()]);
      const sending = workers.reduce((sum, worker) => sum + worker.sending, 0);
      return { kind: 'text', ...(await meter.exposition({ ...stats, workers: workers.length, sending })) };
    },
  }),
];

async function refuseStrangers({ deps, headers, remoteAddress }: Call): Promise<void> {
  if (isFromLoopback(remoteAddress, headers)) return;
  const { role } = await authenticate(deps, headers);
  if (role !== 'operator') throw new ShoalError('forbidden', 'metrics are for the machine of this server, and for operators');
}
