import { BATCH_MAX, CRASHES_APART_MAX, RETENTION_MS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger, Swept } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { apartDelaysMs } from './retry.ts';

export interface SweepParts {
  readonly ledger: Pick<Ledger, 'sweep'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: { readonly leaseMs: number; readonly retryScale: number; readonly resendMs: number; readonly retentionMs?: number };
}

/** A lapsed lease is found within half a lease, whichever worker lives. */
const SWEEPS_PER_LEASE = 4;
/** A backlog of old records is worked off over several rounds, so that a sweep never holds the ledger for long. */
const CALLS_PER_ROUND_MAX = 20;

/** Every worker sweeps, each at moments of its own; it is one more reason why no worker is special. */
export async function sweepAgainAndAgain(parts: SweepParts, signal: AbortSignal): Promise<void> {
  const { clock, random, log, settings } = parts;
  const everyMs = settings.leaseMs / SWEEPS_PER_LEASE;
  await clock.sleep(everyMs * random.uniform(), signal); // workers started together do not sweep together
  while (!signal.aborted) {
    try {
      await sweepOnce(parts, signal);
    } catch (cause) {
      log.warn('sweep failed', { cause });
    }
    await clock.sleep(everyMs * (0.8 + 0.4 * random.uniform()), signal);
  }
}

async function sweepOnce({ ledger, random, log, settings }: SweepParts, signal: AbortSignal): Promise<void> {
  for (let call = 0; call < CALLS_PER_ROUND_MAX && !signal.aborted; call += 1) {
    const swept = await ledger.sweep({
      max: BATCH_MAX,
      apartDelaysMs: apartDelaysMs(CRASHES_APART_MAX, settings.retryScale, () => random.uniform()),
      resendMs: settings.resendMs,
      retentionMs: settings.retentionMs ?? RETENTION_MS,
    });
    tell(swept, log);
    if (!swept.hasMore) return;
  }
}

function tell(swept: Swept, log: Log): void {
  const { hasMore: _, ...counts } = swept;
  const found = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  if (Object.keys(found).length === 0) return;
  const needsEyes = swept.crashed + swept.poisoned + swept.inDoubt > 0;
  log[needsEyes ? 'warn' : 'debug']('sweep', found);
}
