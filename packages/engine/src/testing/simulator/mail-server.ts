import { createHash } from 'node:crypto';
import type { JobId, MessageId } from '../../model/ids.ts';
import type { ConnectionFacts, Phase, RecipientReply, Reply, Report } from '../../model/reply.ts';
import type { Parcel, Transport } from '../../ports/transport.ts';
import type { Dice } from './dice.ts';
import { createLines } from './lines.ts';
import type { SimulatedProcess } from './process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What the server saw: one line for each final dot it took. Loss and second copies are judged on this alone. */
export interface JournalLine {
  readonly at: number;
  readonly jobId: JobId;
  readonly messageId: MessageId;
  readonly recipients: readonly string[];
  readonly hash: string;
}

export interface MailServer {
  readonly journal: readonly JournalLine[];
  /** Final dots that reached the server, taken or not. */
  readonly dots: ReadonlyMap<JobId, number>;
  /** From now on every mail is taken at once. */
  heal(): void;
  /** This server as seen by one process. `onBody` runs when a parcel's body is being written: where a poisonous mail kills. */
  transportFor(process: SimulatedProcess, onBody: (parcel: Parcel) => void): Transport;
}

type Trouble =
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly phase: Phase; readonly cause: 'cut' | 'timeout' | 'refused' }
  | { readonly kind: 'refused'; readonly phase: 'greeting' | 'mail' | 'data' | 'dot'; readonly reply: Reply }
  | { readonly kind: 'recipients' }
  /** The dot is written; whether it is taken and whether anybody hears of it are two questions. */
  | { readonly kind: 'unknown'; readonly cause: 'cut' | 'timeout' | 'malformed'; readonly taken: boolean };

const OK: Reply = { code: 250, enhanced: '2.0.0', text: 'ok' };
/** How long a simulated client waits for the reply to the dot; far above a lease, as in life. */
const DOT_REPLY_MS = 20_000;

/** `connectionsMax`: of each process; absent: as many as it likes. */
export function createMailServer(time: VirtualTime, dice: Dice, connectionsMax?: number): MailServer {
  const journal: JournalLine[] = [];
  const dots = new Map<JobId, number>();
  let healed = false;

  function drawTrouble(): Trouble {
    if (healed) return { kind: 'none' };
    return dice.pick<Trouble>([
      [24, () => ({ kind: 'none' })],
      [
        1,
        () => ({
          kind: 'failed',
          phase: dice.one(['connect', 'greeting', 'mail', 'rcpt', 'data', 'body']),
          cause: dice.one(['cut', 'timeout', 'refused']),
        }),
      ],
      [
        1,
        () => ({
          kind: 'refused',
          phase: dice.one(['greeting', 'mail', 'data', 'dot']),
          reply: dice.one([
            { code: 421, text: 'busy' },
            { code: 451, enhanced: '4.3.0', text: 'later' },
            { code: 450, enhanced: '4.7.1', text: 'greylisted' },
          ]),
        }),
      ],
      [1, () => ({ kind: 'refused', phase: dice.one(['mail', 'dot']), reply: { code: 550, enhanced: '5.7.1', text: 'no' } })],
      [2, () => ({ kind: 'recipients' })],
      [2, () => ({ kind: 'unknown', cause: dice.one(['cut', 'timeout', 'malformed']), taken: dice.chance(0.5) })],
    ]);
  }

  function take(parcel: Parcel, recipients: readonly string[]): void {
    journal.push({
      at: time.now(),
      jobId: parcel.jobId,
      messageId: parcel.messageId,
      recipients,
      hash: createHash('sha256').update(parcel.payload).digest('hex'),
    });
  }

  async function deliver(
    process: SimulatedProcess,
    onBody: (parcel: Parcel) => void,
    parcel: Parcel,
    commit: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<Report> {
    const startedAt = time.now();
    const trouble = drawTrouble();
    const facts = (): ConnectionFacts => ({ peer: 'simulated:25', tls: 'none', isReused: false, durationMs: time.now() - startedAt });
    const step = (): Promise<void> => process.clock.sleep(dice.between(1, healed ? 20 : 120), signal);

    for (const phase of ['connect', 'greeting', 'mail', 'rcpt', 'data'] as const) {
      await step();
      if (signal.aborted) return { kind: 'aborted', phase, facts: facts() };
      if (trouble.kind === 'failed' && trouble.phase === phase)
        return { kind: 'failed', phase, cause: trouble.cause, detail: 'simulated', facts: facts() };
      if (trouble.kind === 'refused' && trouble.phase === phase)
        return { kind: 'refused', phase, reply: trouble.reply, refused: [], facts: facts() };
    }
    const { accepted, refused } = answerRecipients(parcel, trouble);
    const first = refused[0];
    if (accepted.length === 0 && first !== undefined)
      return { kind: 'refused', phase: 'rcpt', reply: first.reply, refused, facts: facts() };

    onBody(parcel);
    if (!process.isAlive()) return new Promise(() => {}); // it died on this mail
    const isGranted = await commit().catch(() => false);
    if (!isGranted) return { kind: 'withheld', facts: facts() };
    if (trouble.kind === 'failed' && trouble.phase === 'body')
      return { kind: 'failed', phase: 'body', cause: 'cut', detail: 'simulated', facts: facts() };

    dots.set(parcel.jobId, (dots.get(parcel.jobId) ?? 0) + 1); // written in the turn of the grant: a kill later does not take it back
    const serverMs = healed
      ? 5
      : dice.pick([
          [20, () => dice.between(1, 200)],
          [1, () => dice.between(5_000, 18_000)],
        ]);
    if (trouble.kind === 'unknown') {
      if (trouble.taken)
        time.after(serverMs, () =>
          take(
            parcel,
            accepted.map((one) => one.address),
          ),
        );
      await process.clock.sleep(trouble.cause === 'timeout' ? DOT_REPLY_MS : serverMs + 1);
      return { kind: 'unknown', cause: trouble.cause, detail: 'simulated', facts: facts() };
    }
    if (trouble.kind === 'refused' && trouble.phase === 'dot') {
      await process.clock.sleep(serverMs);
      return { kind: 'refused', phase: 'dot', reply: trouble.reply, refused: [], facts: facts() };
    }
    time.after(serverMs, () =>
      take(
        parcel,
        accepted.map((one) => one.address),
      ),
    );
    await process.clock.sleep(serverMs + 1);
    return { kind: 'accepted', reply: OK, accepted, refused, facts: facts() };
  }

  function answerRecipients(parcel: Parcel, trouble: Trouble): { accepted: RecipientReply[]; refused: RecipientReply[] } {
    const accepted: RecipientReply[] = [];
    const refused: RecipientReply[] = [];
    for (const address of parcel.envelope.to) {
      const reply: Reply =
        trouble.kind !== 'recipients'
          ? OK
          : dice.one([OK, { code: 450, enhanced: '4.2.0', text: 'later' }, { code: 550, enhanced: '5.1.1', text: 'unknown' }]);
      (reply.code === 250 ? accepted : refused).push({ address, reply });
    }
    return { accepted, refused };
  }

  return {
    journal,
    dots,
    heal() {
      healed = true;
    },
    transportFor(process, onBody) {
      const lines = createLines(connectionsMax ?? Number.POSITIVE_INFINITY);
      return {
        capabilities: { description: 'simulated', captures: false, ...(connectionsMax !== undefined && { connectionsMax }) },
        send: (parcel, commit, signal) => lines.carry(() => deliver(process, onBody, parcel, commit, signal), signal),
        close: async () => {},
      };
    },
  };
}
