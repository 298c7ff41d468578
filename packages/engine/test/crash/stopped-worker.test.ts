import { expect, it } from 'vitest';
import { until } from '../../../../bench/storm/wait.mjs';
import { endsOf, openStage, type Stage, type StageOptions } from './stage.ts';

const LEASE_MS = 1_500;
const LIMIT_MS = 60_000;

it('refuses the late commit of a worker that was stopped before it, and delivers one copy', async () => {
  let isLineLost = false;
  const { stage, first } = await stageWithOneWorker((stop) => ({
    onData: () => stop(), // 354 is not yet said: the commit was not asked for
    onLost() {
      isLineLost = true;
    },
  }));
  const mail = await stage.submit(1);
  await until('the worker is stopped with the mail in hand', LIMIT_MS, () => first.isStopped());
  stage.work('second');
  await until('the second worker delivered it', LIMIT_MS, () => stage.copiesOf(mail).length > 0);
  first.child.signal('SIGCONT');

  await until('the stopped worker dropped its connection inside the body', LIMIT_MS, () => isLineLost);
  const told = await stage.whenStatus(mail, 'sent');
  expect(endsOf(told)).toEqual(['crash', 'sent']);
  expect(stage.copiesOf(mail)).toHaveLength(1);
});

it('heals a doubt by the late settle of a worker that was stopped after the dot, and leaves one copy', async () => {
  const { stage, first } = await stageWithOneWorker((stop) => ({ onDot: () => stop() }));
  const mail = await stage.submit(1);
  await until('the worker is stopped with the mail in hand', LIMIT_MS, () => first.isStopped());
  stage.work('second');
  await stage.whenStatus(mail, 'in_doubt');
  first.child.signal('SIGCONT');

  await stage.whenStatus(mail, 'sent');
  await stage.whenAllIsOver(2);
  expect(stage.copiesOf(mail)).toHaveLength(1);
});

it('sends once more under resend while a worker is stopped after the dot, and its late settle changes nothing', async () => {
  const { stage, first } = await stageWithOneWorker((stop) => ({ onDot: () => stop() }));
  const mail = await stage.submit(1, 'resend');
  await until('the worker is stopped with the mail in hand', LIMIT_MS, () => first.isStopped());
  stage.work('second');
  await stage.whenStatus(mail, 'sent');
  first.child.signal('SIGCONT');

  await stage.whenAllIsOver(2);
  const copies = stage.copiesOf(mail);
  expect(copies).toHaveLength(2);
  expect(new Set(copies.map((dot) => `${dot.messageId} ${dot.sha256}`)).size).toBe(1);
  expect(await stage.tell(mail)).toMatchObject({ status: 'sent' });
});

it('keeps the lease over a reply that takes longer than three leases, and leaves one copy', async () => {
  const leaseMs = 1_000;
  const stage = await openStage('slow-server', { leaseMs, sink: { replyDelayMs: 3 * leaseMs + 500 } });
  stage.answerOnly();
  stage.work('first');
  stage.work('second');
  await stage.api.whenReady();
  await stage.api.open();
  const mail = await stage.submit(1);

  const told = await stage.whenStatus(mail, 'sent');
  expect(endsOf(told)).toEqual(['sent']);
  expect(stage.copiesOf(mail)).toHaveLength(1);
});

interface StageWithOneWorker {
  readonly stage: Stage;
  readonly first: { readonly child: ReturnType<Stage['work']>; isStopped(): boolean };
}

/** An API and one worker, which the receiving server stops (SIGSTOP) once, at the moment that `hooks` chooses. */
async function stageWithOneWorker(hooks: (stop: () => void) => NonNullable<StageOptions['sink']>): Promise<StageWithOneWorker> {
  let isStopped = false;
  let child: ReturnType<Stage['work']> | undefined;
  const stop = (): void => {
    if (isStopped || child === undefined) return;
    child.signal('SIGSTOP');
    isStopped = true;
  };
  const stage = await openStage('stopped-worker', { leaseMs: LEASE_MS, sink: hooks(stop) });
  stage.answerOnly();
  await stage.api.whenReady();
  await stage.api.open();
  child = stage.work('first');
  return { stage, first: { child, isStopped: () => isStopped } };
}
