import { ShoalError as ClientError, type EmailRecord, type JobRecord } from '@shoal/sdk';
import { expect, it } from 'vitest';
import { ShoalError } from '../model/errors.ts';
import { brief, clean, complaintOf, complaintText, entry, listing, timeline } from './print.ts';

const JOB: JobRecord = {
  id: 'job_1',
  state: 'scheduled',
  reason: null,
  doubt: null,
  recipients: ['ann@example.com'],
  createdAt: '2030-01-01T00:00:00.000Z',
  dueAt: '2030-01-01T00:10:00.000Z',
  attempts: [{ startedAt: '2030-01-01T00:00:01.000Z', endedAt: '2030-01-01T00:00:02.000Z', end: 'retry', note: '451 4.7.1 try later' }],
};
const RECORD: EmailRecord = {
  id: 'eml_1',
  inboxId: 'ibx_1',
  status: 'queued',
  messageId: '<1@shoal.localhost>',
  from: 'bot@shoal.localhost',
  to: ['ann@example.com'],
  cc: null,
  bcc: null,
  subject: 'Hello',
  text: 'Hi',
  html: null,
  waiting: null,
  preview: 'Hi',
  attachments: [],
  sizeBytes: 300,
  createdAt: '2030-01-01T00:00:00.000Z',
  jobs: [JOB],
};

it('removes from foreign text whatever could steer a terminal (security D5)', () => {
  const odd = 'a\u001b[2Jb\u0007c\r\nd\te\u009b31mf\u202eg\u0000';
  expect(clean(odd)).toBe('a[2Jbc d e31mfg');
  expect(clean('one\ntwo\u001b', { keepsLines: true })).toBe('one\ntwo');
  expect(clean('Grüße, 世界 👋')).toBe('Grüße, 世界 👋');
});

it('prints an email with every attempt, and when the next one is due', () => {
  expect(timeline(RECORD, 80)).toBe(
    [
      'eml_1  queued',
      '  subject  Hello',
      '  from     bot@shoal.localhost',
      '  to       ann@example.com',
      '  created  2030-01-01T00:00:00.000Z',
      'job_1  scheduled  ann@example.com',
      '  2030-01-01T00:00:02.000Z  retry    451 4.7.1 try later',
      '  2030-01-01T00:10:00.000Z  next try',
    ].join('\n'),
  );
});

it('says what a queued email waits for, and until when', () => {
  const because = 'sender default may send 100 mails in any 24 hours';
  expect(timeline({ ...RECORD, waiting: { at: '2030-01-02T00:00:00.000Z', kind: 'limit', because } }, 200)).toContain(
    `  waits    until 2030-01-02T00:00:00.000Z: ${because}\n`,
  );
  expect(timeline({ ...RECORD, waiting: { at: null, kind: 'pause', because: 'held' } }, 80)).toContain('  waits    for a person: held\n');
});

it('says why a job is dead or in doubt', () => {
  expect(timeline({ ...RECORD, jobs: [{ ...JOB, state: 'dead', reason: 'permanent', attempts: [] }] }, 80)).toContain(
    'job_1  dead (permanent)  ann',
  );
});

it('breaks what is shown of one mail at the width of the terminal, and no line where nobody looks', () => {
  const long = { ...RECORD, subject: 'word '.repeat(40).trim() };
  const lines = timeline(long, 80).split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.join(' ').match(/word/g)).toHaveLength(40);
  expect(timeline(long, Number.POSITIVE_INFINITY)).toContain(long.subject);
});

it('cuts the texts of one mail of many to a line each, and no id', () => {
  const id = `eml_${'x'.repeat(26)}`;
  expect(brief([id, 'sent', 'A subject that is long'], { email: id, to: 'ann@example.com, bob@example.com' }, 30)).toBe(
    `${id}\n  sent  A subject that is long\n  email\n    ${id}\n  to     ann@example.com, bob…`,
  );
});

it('keeps a subject from beginning a line of its own', () => {
  expect(entry(['job_1', 'a\nerror: b'], { to: 'x\r\ny' }, 80)).toBe('job_1  a error: b\n  to  x y');
});

it('says so when a list is empty', () => {
  expect(listing([], 'No dead letters.')).toBe('No dead letters.');
});

it('tells of any error what was wrong and what to do', () => {
  const ours = complaintText(complaintOf(new ShoalError('bad_config', 'SHOAL_HTTP is empty')));
  expect(ours).toBe('error: SHOAL_HTTP is empty\n       Fix the option that `message` names; docs/reference/config.md lists them all.');
  const theirs = new ClientError({ code: 'not_found', message: 'no email\u001b', hint: 'Check the id.', requestId: 'req_1' });
  expect(complaintText(complaintOf(theirs))).toBe('error: no email\n       Check the id.\n       request req_1');
  expect(complaintOf(new Error('boom'))).toMatchObject({ code: 'internal_error', message: 'boom' });
});
