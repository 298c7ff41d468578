import { collectDefaultMetrics, Registry } from 'prom-client';
import { STATES } from '../../../model/job.ts';
import { DEAD_REASONS } from '../../../model/outcome.ts';
import type { Meter, Surroundings } from '../../../ports/meter.ts';
import { counter, type Family, gauge, histogram } from './families.ts';

/** Seconds; a submit with its sync of the disk is in the middle. */
const REQUEST_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** Seconds; the last one is how long a server may take to answer the final dot. */
const ATTEMPT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600];
/** Seconds; from a mail at once to one that was deferred for days. */
const LATENCY_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400, 432_000];
/** Seconds; most of a transaction is one sync of the disk. */
const WRITE_BOUNDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const BATCH_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** The usual 10 ms would wake a server at rest a hundred times a second. */
const LAG_LOOK_MS = 1_000;

/** The figures of the process itself are prom-client's, in a registry of their own: the program we are part of keeps the global one. */
export function prometheusMeter(here: Surroundings): Meter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_LOOK_MS });
  let ledger: Parameters<Meter['exposition']>[0] | undefined;

  const mail = mailFamilies();
  const machinery = machineryFamilies();
  const { submits, latency, attempts, carriages, commits, doubts, dead, crashes } = mail;
  const { leaseBatches, settleBatches, writes, writeActs, requests } = machinery;
  const families: readonly Family[] = [
    ...Object.values(mail),
    ...ledgerGauges(() => ledger),
    ...processGauges(here),
    ...Object.values(machinery),
  ];

  return {
    submitted: (answer) => (answer === 'accepted' || answer === 'deduplicated' ? submits.add(answer) : submits.add(`refused ${answer}`)),
    leased(jobs) {
      if (jobs > 0) leaseBatches.observe(jobs);
    },
    committed: (answer) => commits.add(answer),
    carried: (report, durationMs) => carriages.observe(durationMs / 1_000, report),
    settled: (jobs) => settleBatches.observe(jobs),
    ended(end) {
      switch (end.kind) {
        case 'sent':
          return attempts.add('sent');
        case 'retry':
          return attempts.add(`retry ${end.failure}`);
        case 'dead':
          return attempts.add(`dead ${end.reason}`);
        case 'doubt':
          return attempts.add(`doubt ${end.cause}`);
        case 'release':
          return attempts.add(`release ${end.why}`);
        case 'refused':
          return attempts.add(`refused ${end.because}`);
        default:
          return end satisfies never;
      }
    },
    sent: (ageMs) => latency.observe(ageMs / 1_000),
    died: (reason, jobs) => dead.add(reason, jobs),
    doubted: (cause, jobs) => doubts.add(cause, jobs),
    crashed: (jobs) => crashes.add('', jobs),
    wrote({ acts, durationMs }) {
      writes.observe(durationMs / 1_000);
      writeActs.add('', acts);
    },
    request: ({ method, route, status, durationMs }) => requests.observe(durationMs / 1_000, `${method} ${route} ${status}`),
    async exposition(seen) {
      ledger = seen;
      const own = families.map((family) => family.text()).join('');
      return { contentType: registry.contentType, text: own + (await registry.metrics()) };
    },
  };
}

function mailFamilies() {
  return {
    submits: counter({
      name: 'shoal_submits_total',
      help: 'Requests to send by answer: accepted, deduplicated, or refused with the code of an error.',
      labels: ['answer', 'code'],
      from: ['accepted', 'deduplicated'],
    }),
    latency: histogram({
      name: 'shoal_send_latency_seconds',
      help: 'From the submit of a mail until it was recorded as sent.',
      bounds: LATENCY_BOUNDS,
    }),
    attempts: counter({
      name: 'shoal_attempts_total',
      help: 'Ends of leases by outcome, and what it was for: the class of a failure, the reason of a death, the cause of a doubt or release.',
      labels: ['outcome', 'cause'],
      from: ['sent'],
    }),
    carriages: histogram({
      name: 'shoal_attempt_seconds',
      help: 'How long a transport took over an attempt, by how it ended.',
      labels: ['report'],
      bounds: ATTEMPT_BOUNDS,
    }),
    commits: counter({
      name: 'shoal_commits_total',
      help: 'Answers to workers that asked to write the final dot: granted, or why not.',
      labels: ['answer'],
      from: ['granted'],
    }),
    doubts: counter({
      name: 'shoal_doubts_total',
      help: 'Mails that became in doubt, by cause.',
      labels: ['cause'],
      from: ['cut', 'timeout', 'malformed', 'worker-lost'],
    }),
    dead: counter({
      name: 'shoal_dead_letters_total',
      help: 'Mails that will not be tried again by themselves, by reason.',
      labels: ['reason'],
      from: DEAD_REASONS,
    }),
    crashes: counter({ name: 'shoal_crashes_total', help: 'Leases that ran out before the commit, as this process swept them up.' }),
  };
}

function ledgerGauges(look: () => Parameters<Meter['exposition']>[0] | undefined): Family[] {
  return [
    gauge({ name: 'shoal_jobs', help: 'Jobs on record, by state.', labels: ['state'] }, () => {
      const byState = look()?.byState;
      return Object.fromEntries(STATES.map((state) => [state, byState?.[state] ?? 0]));
    }),
    gauge(
      { name: 'shoal_oldest_runnable_seconds', help: 'Age of the oldest job that could run now; 0 when there is none.' },
      () => (look()?.oldestReadyMs ?? 0) / 1_000,
    ),
    gauge({ name: 'shoal_senders_with_backlog', help: 'Senders with a job that could run now.' }, () => look()?.sendersWithBacklog),
    gauge({ name: 'shoal_workers', help: 'Workers that were heard of lately.' }, () => look()?.workers),
    gauge({ name: 'shoal_sending', help: 'Mails under way in all workers, as last heard.' }, () => look()?.sending),
  ];
}

function processGauges(here: Surroundings): Family[] {
  return [
    gauge(
      { name: 'shoal_leases', help: 'Leases of this process: sending, shelved (not begun), unrecorded (ended).', labels: ['state'] },
      () => {
        const { sending, shelved, unrecorded } = here.leases();
        return { sending, shelved, unrecorded };
      },
    ),
    gauge({ name: 'shoal_disk_free_bytes', help: 'Free on the disk of the database.' }, () => here.disk().freeBytes),
    gauge({ name: 'shoal_disk_floor_bytes', help: 'With less free nothing new is accepted or sent.' }, () => here.disk().floorBytes),
    gauge({ name: 'shoal_disk_short', help: '1 while nothing new is accepted or sent for want of room, else 0.' }, () =>
      here.disk().isShort ? 1 : 0,
    ),
    gauge({ name: 'shoal_build_info', help: 'Always 1; which version this is, on which Node.', labels: ['version', 'node'] }, () => ({
      [`${here.version} ${process.versions.node}`]: 1,
    })),
  ];
}

function machineryFamilies() {
  return {
    leaseBatches: histogram({
      name: 'shoal_lease_batch_jobs',
      help: 'Leases that one answer of the ledger brought.',
      bounds: BATCH_BOUNDS,
    }),
    settleBatches: histogram({ name: 'shoal_settle_batch_jobs', help: 'Ends that were recorded in one call.', bounds: BATCH_BOUNDS }),
    writes: histogram({
      name: 'shoal_write_seconds',
      help: 'Transactions of the database, from begin to end: its work and the sync of the disk.',
      bounds: WRITE_BOUNDS,
    }),
    writeActs: counter({ name: 'shoal_write_acts_total', help: 'Acts of ledger and store in those transactions, many in one.' }),
    requests: histogram({
      name: 'shoal_http_request_seconds',
      help: 'Requests by route and status, and how long they took.',
      labels: ['method', 'route', 'status'],
      bounds: REQUEST_BOUNDS,
    }),
  };
}
