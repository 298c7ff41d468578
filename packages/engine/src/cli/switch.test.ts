import { expect, it } from 'vitest';
import { switchText } from './switch.ts';

it('says what was stopped, what that means, and who did it', () => {
  const hold = { why: 'stop', note: 'Enough.\u001b[2J (operator tok_1)', since: '2026-01-01T00:00:00.000Z', until: null };
  expect(switchText({ id: 'acct_1', holds: [hold] }, 'stop', 200)).toBe(
    [
      'Account acct_1 is stopped: new mail is refused, and what is queued stays where it is; `shoal start` lets it go on.',
      'held: stop',
      '  note   Enough.[2J (operator tok_1)',
      '  since  2026-01-01T00:00:00.000Z',
    ].join('\n'),
  );
});

it('does not claim that a stopped token holds mail', () => {
  expect(switchText({ id: 'tok_1', holds: [] }, 'stop', 200)).toBe(
    'Token tok_1 is stopped: new mail of it is refused; what it handed in before goes on.',
  );
});
