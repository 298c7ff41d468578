import { senderScope } from '../model/scope.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease, Settlement } from '../ports/ledger.ts';
import type { Effect } from '../ports/ledger-scopes.ts';
import type { Log } from '../ports/log.ts';

/** How often the log repeats that something does not work. */
const COMPLAIN_MS = 60_000;

/** What holds mail back, for the operator: at most once a minute for each thing it is about. */
export interface Complaints {
  /**
   * What an attempt did to its sender or domain, with the peer's own words and the job whose timeline has the rest. The notes
   * that the ledger keeps of them have neither, since every tenant with mail there is shown those (security T3).
   */
  attempt(lease: Lease, settlement: Settlement): void;
  /** Mail that this worker can do nothing for. */
  held(about: string, note: string): void;
}

export function createComplaints(clock: Clock, log: Log): Complaints {
  const saidAt = new Map<string, number>();

  function isTimeFor(about: string): boolean {
    const now = clock.now();
    if (now - (saidAt.get(about) ?? Number.NEGATIVE_INFINITY) < COMPLAIN_MS) return false;
    saidAt.set(about, now);
    return true;
  }

  return {
    attempt(lease, settlement) {
      for (const effect of settlement.effects ?? []) {
        const complaint = complaintOf(effect, lease);
        if (complaint === undefined || !isTimeFor(`${complaint.message}: ${complaint.about}`)) continue;
        const { level, message, about, note } = complaint;
        log[level](message, { about, note, jobId: lease.jobId, said: notesOf(settlement) });
      }
    },
    held(about, note) {
      if (isTimeFor(about)) log.error('mail is held back', { about, note });
    },
  };
}

interface Complaint {
  readonly level: 'warn' | 'error';
  readonly message: string;
  readonly about: string;
  readonly note: string;
}

/** Loud only where a person has to end it, or mend the cause. */
function complaintOf(effect: Effect, { sender }: Lease): Complaint | undefined {
  switch (effect.kind) {
    case 'hold': {
      const { scope: about, why, note } = effect.hold;
      if (why === 'throttled') return { level: 'warn', message: 'mail is slowed down', about, note };
      return { level: 'error', message: 'mail is held back', about, note };
    }
    case 'throttled':
      return { level: 'warn', message: 'mail is slowed down', about: senderScope(sender), note: effect.note };
    case 'failed':
      return { level: 'warn', message: 'a peer fails', about: senderScope(sender), note: effect.note };
    case 'through':
    case 'crowded':
      return undefined;
    default:
      return effect satisfies never;
  }
}

/** An attempt that split its mail says in each part why. */
function notesOf({ note, children = [] }: Settlement): string {
  return [note, ...children.map((child) => child.note)].join(' ');
}
