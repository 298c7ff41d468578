import { expect, it } from 'vitest';
import { mailboxText, parseMailbox } from './address.ts';

function accepted(text: string): string {
  const answer = parseMailbox(text);
  if (answer.kind === 'refused') throw new Error(`${text} ${answer.why}`);
  return mailboxText(answer.mailbox);
}
function why(text: unknown): string {
  const answer = parseMailbox(text);
  return answer.kind === 'refused' ? answer.why : `taken for ${mailboxText(answer.mailbox)}`;
}

it.each([
  ['ada@example.com', 'ada@example.com'],
  ['Ada.Lovelace+x@EXAMPLE.com', 'Ada.Lovelace+x@example.com'],
  ['a%b!c@example.com', 'a%b!c@example.com'],
  ["!#$%&'*+-/=?^_`{|}~@x.example", "!#$%&'*+-/=?^_`{|}~@x.example"],
  ['agent@localhost', 'agent@localhost'],
  ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ['ada@例え。テスト', 'ada@xn--r8jz45g.xn--zckzah'],
  [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
])('S7: takes %s', (text, mailbox) => {
  expect(accepted(text)).toBe(mailbox);
});

it('S7: asks for SMTPUTF8 only when the local part needs it', () => {
  expect(parseMailbox('jörg@bücher.example')).toMatchObject({ mailbox: { domain: 'xn--bcher-kva.example', needsUtf8: true } });
  expect(parseMailbox('ada@bücher.example')).toMatchObject({ mailbox: { needsUtf8: false } });
});

it.each([
  ['', /empty/],
  ['ada', /no @/],
  ['@example.com', /nothing before/],
  ['ada@', /domain/],
  ['a@b@example.com', /more than one @/],
  ['Ada <ada@example.com>', /display name.*bare address/],
  ['<ada@example.com>', /bare address/],
  ['"ada lovelace"@example.com', /space/],
  ['"ada"@example.com', /quote/],
  ['ada(comment)@example.com', /bracket/],
  ['friends: a@example.com, b@example.com;', /one bare address/],
  ['a@example.com,b@example.com', /comma/],
  ['@relay.example:ada@example.com', /colon/],
  ['ada@[127.0.0.1]', /domain/],
  ['ada@127.0.0.1', /domain/],
  ['ada@１２７.0.0.1', /domain/],
  ['.ada@example.com', /dot/],
  ['ada.@example.com', /dot/],
  ['a..b@example.com', /dot/],
  ['ada@-example.com', /domain/],
  ['ada@exa_mple.com', /domain/],
  ['ada@example..com', /domain/],
  ['ada@example.com.', /domain/],
  ['ada@exa／mple.com', /domain/],
  [`${'a'.repeat(65)}@example.com`, /64 bytes/],
  [`${'ü'.repeat(33)}@example.com`, /64 bytes/],
  [`a@${'b.'.repeat(126)}com`, /254 bytes/],
  ['ada@example.com\r\nRCPT TO:<eve@example.com>', /control/],
  ['ada\0@example.com', /control/],
  ['ada\u0085@example.com', /control/],
  ['ada\u2028@example.com', /space/],
  ['ada\u202e@example.com', /invisible/],
  ['a\ud800@example.com', /control/],
  [7, /text/],
  [{ address: 'ada@example.com' }, /text/],
])('S7: refuses %j and says why', (text, reason) => {
  expect(why(text)).toMatch(reason);
});
