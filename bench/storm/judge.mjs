// @ts-check
import { isCopy } from './sink.mjs';

/**
 * The balance sheet: what was handed in, what arrived, and what became of the difference. Arrived means a dot in the
 * journal of the receiving server; the sender's own records only have to explain what the journal shows.
 *
 * @typedef {import('./sink.mjs').Dot} Dot
 * @typedef {import('./sink.mjs').LostLine} LostLine
 * @typedef {import('./fleet.mjs').Kill} Kill
 *
 * @typedef {object} MailRecord what the sender says about one acknowledged mail
 * @property {string} to
 * @property {string} id
 * @property {number} requests
 * @property {'open' | 'sent' | 'failed' | 'canceled' | 'in_doubt'} status
 * @property {number} unsettled commits without a durable settle: attempts whose end nobody recorded
 * @property {number} crashes attempts that ended before the commit, with their worker
 * @property {string} [why] of a dead mail
 * @property {number} [recordedAt] epoch ms, of a sent mail: when the ledger took note of its reply
 *
 * @typedef {object} Evidence
 * @property {'hold' | 'resend'} policy
 * @property {number} attempted
 * @property {readonly string[]} recipients of everything that was attempted
 * @property {readonly MailRecord[]} records
 * @property {readonly Dot[]} dots
 * @property {readonly LostLine[]} lostLines
 * @property {readonly Kill[]} kills
 * @property {readonly string[]} refused
 * @property {readonly string[]} ownEnds
 * @property {number} connectionsMax of one process
 * @property {number} replyDelayMs
 * @property {number} [cutsInjected] lines cut after the dot by the sink itself
 * @property {number} [recoveredMin] 1 unless nothing was hurt on purpose
 *
 * @typedef {object} Row
 * @property {string} account
 * @property {number | string} value
 * @property {string} must
 * @property {boolean} adds
 *
 * @typedef {object} Sheet
 * @property {Row[]} rows
 * @property {string[]} findings one line for each thing that does not add up
 * @property {boolean} adds
 */

/** Between a reply and its durable settle there should be no more than this; a machine with more to do than processors takes longer. */
const SETTLE_MS_AIM = 50;
/** On any machine a longer one is a fault. */
const SETTLE_MS_MAX = 2_000;
/** Between the signal and the last bytes that its process had on their way. */
const SIGNAL_MS_MAX = 50;
/** Between the end of a process and the sink's notice of it, beside the reply that the sink was just waiting to give. */
const NOTICE_MS_MAX = 1_000;
const FINDINGS_MAX = 20;

/** @param {Evidence} evidence @returns {Sheet} */
export function balance(evidence) {
  const { policy, records, kills } = evidence;
  const copies = copiesByRecipient(evidence.dots);
  /** @type {string[]} */
  const findings = [];
  /** @param {MailRecord} mail */
  const copiesOf = (mail) => copies.get(mail.to) ?? [];
  const count = (/** @type {(mail: MailRecord) => boolean} */ test) => records.filter(test).length;

  const lost = records.filter((mail) => mail.status === 'sent' && copiesOf(mail).length === 0);
  for (const mail of lost) findings.push(`lost: ${mail.to} (${mail.id}) was acknowledged, is ${mail.status}, and is not in the journal`);
  const open = records.filter((mail) => mail.status === 'open');
  for (const mail of open) findings.push(`open: ${mail.to} (${mail.id}) never came to an end`);

  const killOf = killsByConnection(evidence);
  let second = 0;
  let unexplained = 0;
  let differing = 0;
  let late = 0;
  for (const [to, dots] of copies) {
    for (const [index, dot] of dots.entries()) {
      if (index === 0) continue;
      second += 1;
      const first = /** @type {Dot} */ (dots[index - 1]);
      if (first.messageId !== dot.messageId || first.sha256 !== dot.sha256) {
        differing += 1;
        findings.push(`differing copies: ${to} came as ${first.messageId} and ${dot.messageId}`);
      }
      if (first.reply === 'cut') continue;
      const kill = killOf.get(first.connection);
      const windowMs = kill === undefined ? Infinity : kill.at - first.at - evidence.replyDelayMs;
      if (windowMs > SETTLE_MS_AIM) late += 1;
      if (windowMs < -evidence.replyDelayMs - SIGNAL_MS_MAX || windowMs > SETTLE_MS_MAX) {
        unexplained += 1;
        findings.push(
          `second copy without a kill: ${to}, dots at ${first.at} and ${dot.at}, ${kill === undefined ? 'its line lived on' : `its sender killed at ${kill.at}`}`,
        );
      } else if (policy === 'hold') findings.push(`second copy under hold: ${to}, dots at ${first.at} and ${dot.at}`);
    }
  }

  const inDoubt = records.filter((mail) => mail.status === 'in_doubt');
  const unsettled = records.reduce((sum, mail) => sum + mail.unsettled, 0);
  const doubtMax = kills.length * evidence.connectionsMax + (evidence.cutsInjected ?? 0);
  for (const mail of inDoubt) if (mail.unsettled === 0) findings.push(`doubt without a commit left unsettled: ${mail.to} (${mail.id})`);
  // Under hold each unsettled commit is a mail in doubt. Under resend its mail was sent again; what is in doubt a second time stays.
  const doubtAdds = policy === 'hold' ? inDoubt.length === unsettled : inDoubt.length <= unsettled && second <= unsettled;

  const dead = records.filter((mail) => mail.status === 'failed');
  for (const mail of dead) findings.push(`dead: ${mail.to} (${mail.id}): ${mail.why ?? 'no reason given'}`);
  const expected = new Set(evidence.recipients);
  const unexpected = [...copies.keys()].filter((to) => !expected.has(to));
  for (const to of unexpected) findings.push(`unexpected: ${to} was delivered and never handed in`);
  for (const line of [...evidence.refused, ...evidence.ownEnds]) findings.push(line);
  const recovered = count((mail) => copiesOf(mail).length > 0 && (mail.requests > 1 || mail.crashes > 0 || mail.unsettled > 0));

  /** @type {Row[]} */
  const rows = [
    { account: 'attempted', value: evidence.attempted, must: '-', adds: true },
    { account: 'acknowledged', value: records.length, must: 'all, in the end', adds: records.length === evidence.attempted },
    { account: 'delivered', value: copies.size, must: '-', adds: true },
    { account: 'lost', value: lost.length, must: '0', adds: lost.length === 0 },
    { account: 'still open', value: open.length, must: '0', adds: open.length === 0 },
    {
      account: 'duplicated',
      value: second,
      must: policy === 'hold' ? '0' : 'all explained',
      adds: policy === 'hold' ? second === 0 : unexplained === 0,
    },
    { account: 'unexplained copies', value: unexplained, must: '0', adds: unexplained === 0 },
    { account: `  killed over ${SETTLE_MS_AIM} ms after the reply`, value: late, must: '-', adds: true },
    { account: 'copies that differ', value: differing, must: '0', adds: differing === 0 },
    { account: 'in doubt', value: inDoubt.length, must: `${policy === 'hold' ? '' : 'at most '}the unsettled commits`, adds: doubtAdds },
    {
      account: '  of them in the journal',
      value: count((mail) => mail.status === 'in_doubt' && copiesOf(mail).length > 0),
      must: '-',
      adds: true,
    },
    { account: 'commits left unsettled', value: unsettled, must: `at most ${doubtMax}`, adds: unsettled <= doubtMax },
    { account: 'healthy jobs dead', value: dead.length, must: '0', adds: dead.length === 0 },
    { account: 'crashed before the commit', value: records.reduce((sum, mail) => sum + mail.crashes, 0), must: '-', adds: true },
    {
      account: 'recovered',
      value: recovered,
      must: evidence.recoveredMin === 0 ? '-' : 'more than 0',
      adds: recovered >= (evidence.recoveredMin ?? 1),
    },
    { account: 'unexpected', value: unexpected.length, must: '0', adds: unexpected.length === 0 },
    { account: 'refused requests', value: evidence.refused.length, must: '0', adds: evidence.refused.length === 0 },
    { account: 'reply to record, ms: median, P99', value: settleTimes(evidence, copies), must: '-', adds: true },
    { account: 'kills', value: kills.length, must: '-', adds: true },
    { account: 'processes ended by themselves', value: evidence.ownEnds.length, must: '0', adds: evidence.ownEnds.length === 0 },
  ];
  return { rows, findings, adds: rows.every((row) => row.adds) && !findings.some((line) => line.startsWith('doubt without')) };
}

/** @param {readonly Dot[]} dots @returns {Map<string, Dot[]>} */
export function copiesByRecipient(dots) {
  /** @type {Map<string, Dot[]>} */
  const copies = new Map();
  for (const dot of dots.filter(isCopy)) {
    const known = copies.get(dot.to);
    if (known === undefined) copies.set(dot.to, [dot]);
    else known.push(dot);
  }
  return copies;
}

/**
 * The kill that ended each lost connection: the last one before its end, if that is near. A connection belongs to one
 * process, so this says which process was killed: a kill of another one explains nothing.
 *
 * @param {Evidence} evidence @returns {Map<number, Kill>}
 */
function killsByConnection({ lostLines, kills, replyDelayMs }) {
  /** @type {Map<number, Kill>} */
  const killOf = new Map();
  for (const { lostConnection, at } of lostLines) {
    const kill = kills.findLast((each) => each.at <= at);
    if (kill !== undefined && at - kill.at <= replyDelayMs + NOTICE_MS_MAX) killOf.set(lostConnection, kill);
  }
  return killOf;
}

/** How long the ledger took to note a reply: a kill in that time leaves a doubt. @param {Evidence} evidence @param {ReadonlyMap<string, readonly Dot[]>} copies */
function settleTimes({ records, replyDelayMs }, copies) {
  const times = records
    .flatMap(({ to, recordedAt }) => {
      const dot = copies.get(to)?.at(-1);
      return recordedAt === undefined || dot === undefined ? [] : [recordedAt - dot.at - replyDelayMs];
    })
    .sort((one, other) => one - other);
  const at = (/** @type {number} */ share) => times[Math.floor((times.length - 1) * share)];
  return times.length === 0 ? '-' : `${at(0.5)}, ${at(0.99)}`;
}

/** @param {string} title @param {Sheet} sheet @returns {string} */
export function printed(title, sheet) {
  const table = [
    ['account', 'value', 'must be', ''],
    ...sheet.rows.map((row) => [row.account, String(row.value), row.must, row.adds ? '' : 'NO']),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const more = sheet.findings.length > FINDINGS_MAX ? [`... and ${sheet.findings.length - FINDINGS_MAX} more`] : [];
  return [`${title}: ${sheet.adds ? 'adds up' : 'DOES NOT ADD UP'}`, ...lines, ...sheet.findings.slice(0, FINDINGS_MAX), ...more, ''].join(
    '\n',
  );
}
