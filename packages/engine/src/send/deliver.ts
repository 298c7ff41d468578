import type { Report } from '../model/reply.ts';
import type { Log } from '../ports/log.ts';
import type { Transport } from '../ports/transport.ts';
import type { CommitAnswer } from './commit.ts';
import type { Held } from './pipeline.ts';

/** One attempt as this side knows it: what the transport reported, and what the ledger said to the commit. */
export interface Seen {
  readonly report: Report;
  /** Absent when the transport never came to ask. */
  readonly commit?: CommitAnswer;
  /** How the transport logs in, as far as it says so; for the hold of an account whose login failed. */
  readonly login?: string;
  /** The worker was stopping when the attempt ended. */
  readonly isStopping: boolean;
}

export interface Delivery {
  readonly transport: Transport;
  readonly held: Held;
  readonly commit: () => Promise<CommitAnswer>;
  readonly isStopping: () => boolean;
  readonly log: Log;
}

/**
 * Hands one parcel to its transport, once. A transport keeps the promises of `ports/transport.ts`; where one breaks them,
 * the answer here leans to the side that can't send twice, and says so in the log.
 */
export async function deliver({ transport, held, commit, isStopping, log }: Delivery): Promise<Seen> {
  const { jobId, messageId, envelope, payload } = held.lease;
  let answer: CommitAnswer | undefined;
  let isAsked = false;
  const askOnce = async (): Promise<boolean> => {
    if (isAsked) return false; // once is a promise of the port; a second body under one commit would be a second copy
    isAsked = true;
    answer = await commit();
    return answer.kind === 'granted';
  };

  let report: Report;
  try {
    report = await transport.send({ jobId, messageId, envelope, payload }, askOnce, held.ended.signal);
  } catch (cause) {
    log.error('a transport rejected instead of reporting', { jobId, transport: transport.capabilities.description, cause });
    report = afterRejection(answer?.kind === 'granted', cause);
  }

  if (saysCommitted(report) && answer?.kind !== 'granted') {
    log.error('a transport sent without a commit', { jobId, transport: transport.capabilities.description, report: report.kind });
    answer = await commit(); // too late to ask, but the ledger has to know that the dot may be out
  }
  const { login } = transport.capabilities;
  return { report, isStopping: isStopping(), ...(answer !== undefined && { commit: answer }), ...(login !== undefined && { login }) };
}

function saysCommitted(report: Report): boolean {
  return report.kind === 'accepted' || report.kind === 'unknown';
}

function afterRejection(isCommitted: boolean, cause: unknown): Report {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const facts = { peer: 'unknown', tls: 'none', isReused: false, durationMs: 0 };
  return isCommitted
    ? { kind: 'unknown', cause: 'malformed', detail, facts }
    : { kind: 'failed', phase: 'connect', cause: 'malformed', detail, facts };
}
