import { describe, it, type onTestFinished } from 'vitest';
import { endsOf, openStage } from './stage.ts';

interface Case {
  readonly point: string;
  /** What the journal and the API must show once a healthy process took over. */
  readonly hold: Expected;
  readonly resend: Expected;
}
interface Expected {
  readonly status: 'sent' | 'in_doubt';
  readonly copies: number;
  /** An end that has to be in the timeline. */
  readonly end?: 'crash' | 'worker-lost';
}

const ONCE: Expected = { status: 'sent', copies: 1 };
const ONCE_AFTER_CRASH: Expected = { ...ONCE, end: 'crash' };
const AFTER_DOUBT: Expected = { status: 'sent', copies: 1, end: 'worker-lost' };

/** In the order of a mail's life; the state table of docs/states.md, column "if the worker dies". */
const CASES: readonly Case[] = [
  { point: 'before the mail is stored', hold: ONCE, resend: ONCE },
  { point: 'the mail is stored, no 202 said', hold: ONCE, resend: ONCE },
  { point: 'the lease is durable, its answer unread', hold: ONCE_AFTER_CRASH, resend: ONCE_AFTER_CRASH },
  { point: 'before the commit', hold: ONCE_AFTER_CRASH, resend: ONCE_AFTER_CRASH },
  // No dot was written, but nobody alive can know that: in doubt all the same.
  { point: 'the commit is durable, its answer unread', hold: { status: 'in_doubt', copies: 0, end: 'worker-lost' }, resend: AFTER_DOUBT },
  { point: 'after the dot', hold: { status: 'in_doubt', copies: 1, end: 'worker-lost' }, resend: { ...AFTER_DOUBT, copies: 2 } },
  {
    point: 'the reply is read, nothing settled',
    hold: { status: 'in_doubt', copies: 1, end: 'worker-lost' },
    resend: { ...AFTER_DOUBT, copies: 2 },
  },
  { point: 'the settle is durable, its answer unread', hold: ONCE, resend: ONCE },
];

const ROWS = CASES.flatMap(({ point, ...expected }) =>
  (['hold', 'resend'] as const).map((policy) => {
    const { status, copies } = expected[policy];
    return [`${point}, under ${policy}: ${status} with ${copies} at the server`, { point, policy, expected: expected[policy] }] as const;
  }),
);

describe('a process killed at one point of a mail’s life', () => {
  it.concurrent.for(ROWS)('%s', async ([, { point, policy, expected }], { expect, onTestFinished }) => {
    const stage = await openArmedStage(point, onTestFinished);
    const armed = stage.serveUntil(point);
    await stage.api.whenReady();
    await stage.api.open();

    const submitting = stage.submit(1, policy); // repeats itself with its key when the process dies before the 202
    expect(await armed.ended).toMatchObject({ signal: 'SIGKILL' });
    stage.serve();
    const mail = await submitting;
    const told = await stage.whenStatus(mail, expected.status);

    await stage.whenAllIsOver(2);
    const copies = stage.copiesOf(mail);
    expect(copies).toHaveLength(expected.copies);
    expect(new Set(copies.map((dot) => `${dot.messageId} ${dot.sha256}`)).size).toBeLessThanOrEqual(1);
    expect(told.jobs).toHaveLength(1);
    const lost = endsOf(told).filter((end) => end === 'crash' || end === 'worker-lost');
    expect(lost).toEqual(expected.end === undefined ? [] : [expected.end]);
    expect(await stage.tell(mail)).toMatchObject({ status: expected.status });
  });
});

/** `after the dot` is a point of the receiving server: it has the dot in its journal, and kills the sender before it replies. */
async function openArmedStage(point: string, atEnd: typeof onTestFinished): ReturnType<typeof openStage> {
  let isArmed = point === 'after the dot';
  const onDot = (): void => {
    if (isArmed) kill?.();
    isArmed = false;
  };
  const stage = await openStage('kill-point', { sink: { onDot } }, atEnd);
  let kill: (() => void) | undefined;
  return {
    ...stage,
    serveUntil(at) {
      const child = stage.serveUntil(at);
      kill = () => child.signal('SIGKILL');
      return child;
    },
  };
}
