import { appendFile, mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jobId, messageId } from '../../model/ids.ts';
import type { CapturedPage } from '../../ports/captured.ts';
import type { Parcel } from '../../ports/transport.ts';
import { createManualClock } from '../../testing/manual-clock.ts';
import { openCaptured, openCaptureTransport } from './capture.ts';

const id = (index: number): string => String(index).padStart(26, '0');

function parcel(index: number, text = `mail ${index}`): Parcel {
  return {
    jobId: jobId(`job_${id(index)}`),
    messageId: messageId(`eml_${id(index)}`),
    envelope: { from: 'a@b.example', to: [`to@d.example`, `bcc${index}@d.example`], eightBit: false, smtpUtf8: false },
    payload: Buffer.from(`Subject: x\r\n\r\n${text}\r\n`),
  };
}

async function open() {
  const dir = join(await mkdtemp(join(tmpdir(), 'shoal-capture-')), 'captured');
  const clock = createManualClock();
  const transport = openCaptureTransport({ dir, clock });
  const send = (each: Parcel, commit = () => Promise.resolve(true)) => transport.send(each, commit, new AbortController().signal);
  return { dir, clock, send, captured: openCaptured(dir) };
}

const cursorOf = ({ cursor }: CapturedPage): { readonly cursor?: string } => (cursor === undefined ? {} : { cursor });

it('keeps each mail byte for byte, with its envelope, newest first', async () => {
  const { dir, clock, send, captured } = await open();
  const start = clock.wallNow();
  for (const index of [1, 2, 3]) {
    expect(await send(parcel(index))).toMatchObject({ kind: 'accepted', reply: { code: 250 }, facts: { peer: 'capture' } });
    await clock.advance(1_000);
  }
  expect((await captured.list({ max: 2 })).mails).toEqual([
    { messageId: parcel(3).messageId, at: start + 2_000, to: ['to@d.example', 'bcc3@d.example'], sizeBytes: parcel(3).payload.length },
    { messageId: parcel(2).messageId, at: start + 1_000, to: ['to@d.example', 'bcc2@d.example'], sizeBytes: parcel(2).payload.length },
  ]);
  expect(await captured.raw(parcel(1).messageId)).toEqual(parcel(1).payload);
  expect(await readFile(join(dir, `eml_${id(1)}.job_${id(1)}.eml`))).toEqual(parcel(1).payload);
});

it('overwrites when a parcel comes again, and lists it once', async () => {
  const { send, captured } = await open();
  await send(parcel(1, 'first'));
  await send(parcel(2));
  await send(parcel(1, 'again'));
  expect((await captured.list({ max: 10 })).mails.map((mail) => mail.messageId)).toEqual([parcel(1).messageId, parcel(2).messageId]);
  expect(String(await captured.raw(parcel(1).messageId))).toContain('again');
});

it('is walked page by page as it stood at the first one, whatever comes or is carried again meanwhile', async () => {
  const { send, captured } = await open();
  for (const index of [1, 2, 3, 4]) await send(parcel(index));
  const first = await captured.list({ max: 2 });
  await send(parcel(5));
  await send(parcel(1, 'again'));
  const second = await captured.list({ max: 2, ...cursorOf(first) });
  expect([...first.mails, ...second.mails].map((mail) => mail.messageId)).toEqual([4, 3, 2, 1].map((index) => parcel(index).messageId));
  expect(second.cursor).toBeUndefined();
  const anew = await captured.list({ max: 2 });
  expect(anew.mails.map((mail) => mail.messageId)).toEqual([1, 5].map((index) => parcel(index).messageId));
  const next = await captured.list({ max: 9, ...cursorOf(anew) });
  expect(next.mails.map((mail) => mail.messageId)).toEqual([4, 3, 2].map((index) => parcel(index).messageId));
});

it('refuses a cursor that is none of its own', async () => {
  const { captured } = await open();
  for (const cursor of ['', 'x', 'c1', 'c1-2', 'c-1--1', 'czzzzzzzzz-0'])
    await expect(captured.list({ max: 1, cursor }), cursor).rejects.toThrow(RangeError);
});

it('leaves nothing behind when the commit is refused', async () => {
  const { dir, send, captured } = await open();
  expect((await send(parcel(1), () => Promise.resolve(false))).kind).toBe('withheld');
  expect(await readdir(dir)).toEqual([]);
  expect(await captured.list({ max: 10 })).toEqual({ mails: [] });
  expect(await captured.raw(parcel(1).messageId)).toBeUndefined();
});

it('passes over what a crash tore: half a line, and a line whose mail is not there', async () => {
  const { dir, send, captured } = await open();
  await send(parcel(1));
  const lost = { messageId: parcel(9).messageId, jobId: parcel(9).jobId, at: 1, to: [], sizeBytes: 1 };
  await appendFile(join(dir, 'index.jsonl'), `${JSON.stringify(lost)}\n{"messageId":"eml_`);
  expect((await captured.list({ max: 10 })).mails).toHaveLength(1);
  await send(parcel(2));
  expect((await captured.list({ max: 10 })).mails).toHaveLength(2);
});

it('says what failed, and that nothing was taken, when the folder can not be written', async () => {
  const { dir, clock, send } = await open();
  await send(parcel(1));
  const blocked = openCaptureTransport({ dir: join(dir, `eml_${id(1)}.job_${id(1)}.eml`), clock });
  let commits = 0;
  const commit = (): Promise<boolean> => {
    commits += 1;
    return Promise.resolve(true);
  };
  const report = await blocked.send(parcel(2), commit, new AbortController().signal);
  expect(report).toMatchObject({ kind: 'failed', phase: 'body', detail: expect.stringContaining('ENOTDIR') });
  expect(commits).toBe(0);
});

it('reads an empty list where nothing was captured yet', async () => {
  const { captured } = await open();
  expect(await captured.list({ max: 10 })).toEqual({ mails: [] });
});

it.skipIf(process.platform === 'win32')('is readable by its owner alone', async () => {
  const { dir, send } = await open();
  await send(parcel(1));
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o777, name).toBe(0o600);
});
