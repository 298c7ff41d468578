import { expect, it } from 'vitest';
import { createLog, type LogOptions } from './pino.ts';

function written(isReadable: boolean, level: LogOptions['level'] = 'info') {
  const lines: string[] = [];
  return { log: createLog({ level, isReadable, write: (line) => lines.push(line) }), lines };
}

it('writes one readable line with its fields', () => {
  const { log, lines } = written(true);
  log.warn('the ledger is slow', { waitMs: 900, peer: '127.0.0.1:25', note: 'two words' });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} warn {2}the ledger is slow {2}waitMs=900 {2}peer=127\.0\.0\.1:25 {2}note="two words"\n$/,
  );
});

it('writes JSON for collectors, with the level as a word', () => {
  const { log, lines } = written(false);
  log.error('failed', { error: new Error('no', { cause: new Error('why') }) });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', msg: 'failed', error: { message: 'no', cause: 'why' } });
});

it('leaves out what is below its level, and everything when silent', () => {
  const { log, lines } = written(true, 'warn');
  log.info('a');
  const silent = written(true, 'silent');
  silent.log.error('b');
  expect([...lines, ...silent.lines]).toEqual([]);
});

it('shows a stack at debug only', () => {
  const [info, debug] = [written(false), written(false, 'debug')];
  for (const { log } of [info, debug]) log.error('failed', { error: new Error('no') });
  expect(info.lines[0]).not.toContain('pino.test');
  expect(debug.lines[0]).toContain('pino.test');
});

it.each([true, false])('never writes a password, a token or a body, wherever they stand (security G1)', (isReadable) => {
  const { log, lines } = written(isReadable, 'debug');
  log.info('cannot reach smtp://user:c4n4ry@mail.example.com:587', {
    url: 'smtps://user:c4n4ry@host',
    error: new Error('smtp://u:c4n4ry@h'),
  });
  log.info('a request', { token: 'c4n4ry', headers: { authorization: 'Bearer c4n4ry' }, header: 'Authorization: Bearer c4n4ry' });
  log.info('a mail', { text: 'c4n4ry', html: 'c4n4ry', message: { body: 'c4n4ry', payload: new TextEncoder().encode('c4n4ry') } });
  log.debug('> AUTH PLAIN c4n4ry');
  expect(lines).toHaveLength(4);
  expect(lines.join('')).not.toContain('c4n4ry');
});

it('keeps foreign text from moving the cursor or beginning a line (security D5)', () => {
  const { log, lines } = written(true);
  log.info('said \u001b[2J\r\nfake', { reply: 'a\u0007\nb' });
  expect(lines[0]).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
});
