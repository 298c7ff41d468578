import { expect, it } from 'vitest';
import { differingFields, FINGERPRINT_FIELDS, fingerprintOf } from './fingerprint.ts';

const FIRST = { inbox: 'a@x.example', to: ['b@x.example'], subject: 'Hi', text: 'Hello' };

it('is equal for equal requests, and names the fields that differ', () => {
  expect(fingerprintOf({ ...FIRST })).toBe(fingerprintOf(FIRST));
  expect(differingFields(fingerprintOf(FIRST), fingerprintOf({ ...FIRST, subject: 'Ho', html: '<p>Hello' }))).toEqual(['subject', 'html']);
});

it('sees no difference between no copies and an empty list of them', () => {
  expect(fingerprintOf({ ...FIRST, cc: [] })).toBe(fingerprintOf(FIRST));
});

it('does not take one list of recipients for another', () => {
  expect(fingerprintOf({ ...FIRST, to: ['b@x.example', 'c@x.example'] })).not.toBe(
    fingerprintOf({ ...FIRST, to: ['b@x.example,c@x.example'] }),
  );
  expect(fingerprintOf({ ...FIRST, cc: ['c@x.example'] })).not.toBe(fingerprintOf({ ...FIRST, bcc: ['c@x.example'] }));
});

it('calls everything different that another version made', () => {
  expect(differingFields('f0.x', fingerprintOf(FIRST))).toEqual(FINGERPRINT_FIELDS);
});

it('is short, since every queued job carries it', () => {
  expect(fingerprintOf(FIRST).length).toBeLessThan(80);
});

it('is what it always was for a mail without headers and attachments, so that a key in use is still known after an upgrade', () => {
  expect(fingerprintOf({ ...FIRST, headers: [], attachments: [] })).toBe('f1.andgn5fgme.8nzjjz75vy.-.-.-.zqd61jsrd6.r9dzjhdazy.-.-.-.-');
});

it('names headers and attachments as what differs, though one of the two has none', () => {
  const rich = fingerprintOf({ ...FIRST, attachments: ['a'] });
  expect(differingFields(fingerprintOf(FIRST), rich)).toEqual(['attachments']);
  expect(differingFields(rich, fingerprintOf({ ...FIRST, headers: ['x-a: 1'] }))).toEqual(['headers', 'attachments']);
});
