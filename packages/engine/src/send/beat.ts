import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { WorkerBeat } from '../ports/ledger-scopes.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

export interface BeatParts {
  readonly ledger: Pick<Ledger, 'beat'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** This worker as it is now. */
  readonly look: () => WorkerBeat;
}

/** Several fit into the time after which a silent worker is no longer shown. */
const BEAT_MS = 15_000;

/** Tells whoever looks at the queue that this worker lives. Nothing is decided from it: leases alone say who works on what. */
export async function beatAgainAndAgain({ ledger, clock, random, log, look }: BeatParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await ledger.beat(look());
    } catch (cause) {
      log.debug('beat failed', { cause });
    }
    await clock.sleep(BEAT_MS * (0.8 + 0.4 * random.uniform()), signal);
  }
}
