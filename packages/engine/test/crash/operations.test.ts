import { it } from 'vitest';
import { mailOf, noLoad, type Sent, submitUntilAnswered } from '../../../../bench/storm/load.mjs';
import { until } from '../../../../bench/storm/wait.mjs';
import { endsOf, openStage, type Stage } from './stage.ts';

/** Three slices, and the process is killed in the second. */
const MAILS = 230;
const LIMIT_MS = 90_000;
const UNKNOWN = '550 5.1.1 no such user';

const POINTS = ['a slice of dead letters is on record, none of it put back', 'a slice of dead letters is put back, its end not on record'];

it.concurrent.for(POINTS)(
  'puts each of many dead letters back once, though the process is killed when %s',
  async (point, { expect, onTestFinished }) => {
    const refuses = Object.fromEntries(range(MAILS).map((index) => [localPartOf(index), UNKNOWN]));
    const stage = await openStage('operations', { sink: { refuses } }, onTestFinished);
    const mails = await letDie(stage);
    // Every other one is taken from now on; those between die again, after the operation began, and have to stay dead.
    for (const index of range(MAILS)) if (index % 2 === 0) delete refuses[localPartOf(index)];

    const armed = stage.serveUntil(point);
    await stage.api.whenReady();
    const begun = await stage.api.ask('POST', '/v1/dead-letters/requeue', { reason: 'permanent' });
    expect(begun).toMatchObject({ status: 202, body: { status: 'running', matched: MAILS, done: 0 } });
    expect(await armed.ended).toMatchObject({ signal: 'SIGKILL' });
    stage.serve();
    const done = await whenDone(stage, begun?.body.id);
    await stage.whenAllIsOver(MAILS);

    expect(done).toMatchObject({ matched: MAILS, done: MAILS, failed: 0 });
    for (const [index, mail] of mails.entries()) {
      const isTaken = index % 2 === 0;
      expect(endsOf(await stage.tell(mail)), mail.to).toEqual(['dead', isTaken ? 'sent' : 'dead']);
      expect(stage.copiesOf(mail), mail.to).toHaveLength(isTaken ? 1 : 0);
    }
  },
);

/** Mails that the server refused for good. Their worker is gone: only a process of the test's choice works on what comes next. */
async function letDie(stage: Stage): Promise<readonly Sent[]> {
  const worker = stage.serve('first');
  await stage.api.whenReady();
  await stage.api.open();
  const load = noLoad();
  await Promise.all(range(MAILS).map((index) => submitUntilAnswered(stage.api, mailOf(index, 1, 'hold'), load)));
  const mails = range(MAILS).map((index) => load.acknowledged.get(mailOf(index, 1, 'hold').to));
  await until('all of them are dead', LIMIT_MS, async () => (await deadCount(stage)) === MAILS);
  worker.signal('SIGTERM');
  await worker.ended;
  return mails.filter((mail) => mail !== undefined);
}

async function deadCount(stage: Stage): Promise<number> {
  const { data } = await stage.api.read('/v1/dead-letters/groups');
  return data.reduce((sum: number, { count }: { readonly count: number }) => sum + count, 0);
}

function whenDone(stage: Stage, id: string): Promise<unknown> {
  return until('the operation is done', LIMIT_MS, async () => {
    const operation = await stage.api.read(`/v1/operations/${id}`);
    return operation.status === 'done' ? operation : undefined;
  });
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const localPartOf = (index: number): string => mailOf(index, 1, 'hold').to.replace(/@.*/, '');
