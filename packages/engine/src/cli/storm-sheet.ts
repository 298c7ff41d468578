/** What the sender says about one mail that it acknowledged, once all came to rest. */
export interface StormMail {
  readonly to: string;
  readonly id: string;
  /** As the API has it; `gone` when it knows nothing of this mail any more. */
  readonly status: string;
  /** Commits without a recorded end: only such a one may leave a mail in doubt. */
  readonly unsettled: number;
}

/** What the sink saw of one recipient. Its last connection carried the attempt that counts. */
export interface StormTrace {
  readonly connection: number;
  readonly dotsAt: readonly number[];
}

export interface StormEvidence {
  readonly handedIn: number;
  readonly refused: readonly string[];
  readonly mails: readonly StormMail[];
  readonly traces: ReadonlyMap<string, StormTrace>;
  /** When each connection that was lost was lost. */
  readonly lostAt: ReadonlyMap<number, number>;
  readonly killsAt: readonly number[];
  /** Workers that ended although nobody killed them. */
  readonly ownEnds: readonly string[];
  readonly replyDelayMs: number;
}

export interface StormRow {
  readonly account: string;
  readonly count: number;
  /** Undefined: any number will do. */
  readonly must?: number;
}

export interface StormSheet {
  readonly rows: readonly StormRow[];
  /** One line for each thing that does not add up. */
  readonly findings: readonly string[];
  readonly adds: boolean;
}

/** From the end of a process to the sink's notice of it; a busy machine is late. */
const NOTICE_MS_MAX = 1_000;
/** From a reply to its record; on any machine more is a fault, and no kill excuses it. */
const SETTLE_MS_MAX = 2_000;

/** Compares what was handed in with what arrived. What the sender says only has to explain what the sink saw. */
export function stormSheet(evidence: StormEvidence): StormSheet {
  const { handedIn, refused, mails, traces, ownEnds } = evidence;
  const dotsOf = ({ to }: StormMail): number => traces.get(to)?.dotsAt.length ?? 0;
  const having = (...statuses: readonly string[]): readonly StormMail[] => mails.filter(({ status }) => statuses.includes(status));
  const doubts = having('in_doubt');
  const known = new Set(mails.map(({ to }) => to));

  const faults: readonly (readonly [account: string, why: string, mails: readonly StormMail[]])[] = [
    [
      'lost',
      'is sent by its record, and never came',
      having('sent', 'gone').filter((mail) => mail.status === 'gone' || dotsOf(mail) === 0),
    ],
    ['sent twice', 'came more than once', mails.filter((mail) => dotsOf(mail) > 1)],
    ['never ended', 'is still open', having('queued', 'sending')],
    ['given up', 'was given up, and nothing was wrong with it', having('failed', 'canceled')],
    ['doubt, no commit', 'is in doubt, and no commit was left unsettled', doubts.filter(({ unsettled }) => unsettled === 0)],
    [
      'doubt, no kill',
      'is in doubt, and its worker was not killed',
      doubts.filter((mail) => mail.unsettled > 0 && !isExplained(mail, evidence)),
    ],
  ];
  const strangers = [...traces].filter(([to, { dotsAt }]) => dotsAt.length > 0 && !known.has(to)).map(([to]) => to);
  const rows: readonly StormRow[] = [
    { account: 'handed in', count: handedIn },
    { account: 'acknowledged', count: mails.length, must: handedIn },
    { account: 'sent', count: having('sent').length },
    { account: 'in doubt', count: doubts.length },
    ...faults.map(([account, , found]) => ({ account, count: found.length, must: 0 })),
    { account: 'never handed in', count: strangers.length, must: 0 },
    { account: 'kills', count: evidence.killsAt.length },
    { account: 'connections cut', count: evidence.lostAt.size },
    { account: 'ended by itself', count: ownEnds.length, must: 0 },
  ];
  const findings = [
    ...faults.flatMap(([account, why, found]) => found.map(({ to, id }) => `${account}: ${to} (${id}) ${why}`)),
    ...strangers.map((to) => `never handed in: ${to} came all the same`),
    ...refused.map((why) => `refused: ${why}`),
    ...ownEnds.map((why) => `ended by itself: ${why}`),
  ];
  return { rows, findings, adds: findings.length === 0 && rows.every(isRight) };
}

export function isRight({ count, must }: StormRow): boolean {
  return must === undefined || count === must;
}

/** Its connection was cut by a kill, before there was time to record a reply. A killed process cuts all of its own and no other. */
function isExplained({ to }: StormMail, { traces, lostAt, killsAt, replyDelayMs }: StormEvidence): boolean {
  const trace = traces.get(to);
  const cutAt = trace === undefined ? undefined : lostAt.get(trace.connection);
  if (trace === undefined || cutAt === undefined) return false;
  const killAt = killsAt.findLast((at) => at <= cutAt && cutAt - at <= NOTICE_MS_MAX);
  if (killAt === undefined) return false;
  const dotAt = trace.dotsAt.at(-1);
  return dotAt === undefined || killAt - dotAt <= replyDelayMs + SETTLE_MS_MAX;
}
