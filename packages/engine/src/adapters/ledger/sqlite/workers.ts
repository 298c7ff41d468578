import { WORKER_SEEN_MS, type WorkerBeat, type WorkerSeen } from '../../../ports/ledger-scopes.ts';
import type { Look } from './act.ts';
import { BEAT, FORGET_WORKERS, WORKERS } from './sql/holds.ts';

export function beatNow({ sql, now }: Look, worker: WorkerBeat): void {
  sql(FORGET_WORKERS).run(now - WORKER_SEEN_MS);
  sql(BEAT).run(worker.id, JSON.stringify(worker), now, now);
}

export function workersSeen({ sql, now }: Look): WorkerSeen[] {
  const rows = sql<{ beat: string; started_at: number; seen_at: number }>(WORKERS).all(now - WORKER_SEEN_MS);
  return rows.map(({ beat, started_at, seen_at }) => ({ ...(JSON.parse(beat) as WorkerBeat), startedAt: started_at, seenAt: seen_at }));
}
