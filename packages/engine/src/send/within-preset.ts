import { ShoalError } from '../model/errors.ts';
import { perMessageFault } from '../model/sender.ts';
import type { Acceptance } from '../ports/acceptance.ts';
import type { Roster } from './roster.ts';

/** Refuses mail that its sender's provider would not take at all, while its writer can still split it up. */
export function withinPreset(acceptance: Acceptance, roster: Pick<Roster, 'get'>): Acceptance {
  return {
    async accept(accepted) {
      const { job, message } = accepted;
      const sender = roster.get(job.sender); // one that was just made elsewhere is looked at by its provider
      const fault = sender === undefined ? undefined : perMessageFault(sender, job.envelope, message.sizeBytes);
      if (fault !== undefined) throw new ShoalError('refused_value', `the mail ${fault}`, { details: { mail: fault } });
      return acceptance.accept(accepted);
    },
  };
}
