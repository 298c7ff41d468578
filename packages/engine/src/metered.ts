import { ShoalError } from './model/errors.ts';
import type { Ledger } from './ports/ledger.ts';
import type { Meter } from './ports/meter.ts';
import type { Submit } from './ports/submit.ts';
import type { Observed } from './send/worker.ts';

/** Where the meter looks on: from outside, so that neither the story nor a plug knows of it. */

/** For a worker's `observe`. */
export function meteredMail(meter: Meter): (seen: Observed) => void {
  return (seen) => {
    switch (seen.point) {
      case 'leased':
      case 'before-commit':
        return;
      case 'committed':
        return meter.committed(seen.answer.kind === 'granted' ? 'granted' : seen.answer.because);
      case 'delivered':
        return meter.carried(seen.seen.report.kind, seen.seen.report.facts.durationMs);
      case 'settled':
        return meteredEnd(meter, seen);
      default:
        return seen satisfies never;
    }
  };
}

function meteredEnd(meter: Meter, { lease, heldMs, settlement, settled }: Extract<Observed, { readonly point: 'settled' }>): void {
  if (settled.kind === 'refused') {
    meter.ended(settled);
    return;
  }
  const { outcome, children = [] } = settlement;
  meter.ended(outcome);
  if (outcome.kind === 'sent') meter.sent(lease.ageMs + heldMs);
  if (outcome.kind === 'doubt') meter.doubted(outcome.cause, 1);
  if (outcome.kind === 'dead') meter.died(outcome.reason, 1);
  for (const child of children) if (child.outcome.kind === 'dead') meter.died(child.outcome.reason, 1);
}

/** What comes in batches, and what happens to jobs without an attempt. */
export function meteredLedger(ledger: Ledger, meter: Meter): Ledger {
  return {
    ...ledger,
    async lease(request) {
      const batch = await ledger.lease(request);
      meter.leased(batch.leases.length);
      return batch;
    },
    async settle(settlements, next) {
      const answer = await ledger.settle(settlements, next);
      meter.settled(settlements.length);
      if (answer.next !== undefined) meter.leased(answer.next.leases.length);
      return answer;
    },
    async sweep(options) {
      const swept = await ledger.sweep(options);
      meter.crashed(swept.crashed + swept.poisoned);
      meter.died('poison', swept.poisoned);
      meter.died('expired', swept.expired);
      meter.doubted('worker-lost', swept.inDoubt);
      return swept;
    },
    async resolve(decisions) {
      const answers = await ledger.resolve(decisions);
      meter.died('decided', answers.filter((answer) => answer.kind === 'resolved' && answer.state === 'dead').length);
      return answers;
    },
  };
}

export function meteredSubmit(submit: Submit, meter: Meter): Submit {
  return {
    async submit(request) {
      try {
        const answer = await submit.submit(request);
        meter.submitted(answer.deduplicated ? 'deduplicated' : 'accepted');
        return answer;
      } catch (error) {
        meter.submitted(error instanceof ShoalError ? error.code : 'internal_error');
        throw error;
      }
    },
  };
}
