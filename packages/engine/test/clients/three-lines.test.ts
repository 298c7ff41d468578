import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { serveShoal } from './served-shoal.ts';

/** The shortest programs that send, each as its reader would paste it: nothing is set but where the server is. */

const THREE_LINES = `import { Shoal } from '@shoal/sdk';

const mail = await Shoal.create();
const inbox = await mail.createSmartInbox({ name: 'outreach-worker' });
await inbox.send({ to: 'recipient@example.com', subject: 'Follow-up on your request', text: 'Here are the details you asked for...' });
`;

const shoal = serveShoal();

it('sends with the three lines of the README, as they stand there', async () => {
  expect(pageOf('README.md')).toContain(`\n${THREE_LINES}\`\`\``);
  const { code, complained } = await shoal.run(THREE_LINES);
  expect({ code, complained }).toEqual({ code: 0, complained: '' });
  const mail = await shoal.untilArrived('Here are the details you asked for...');
  expect(mail).toMatch(/^From: outreach-worker@shoal\.localhost\r$/m);
  expect(mail).toMatch(/^To: recipient@example\.com\r$/m);
  expect(mail).toMatch(/^Subject: Follow-up on your request\r$/m);
});

it('sends with plain fetch', async () => {
  const { code, printed } = await shoal.run(`
    const post = async (path, token, body) => (await fetch(process.env.SHOAL_URL + path, {
      method: 'POST',
      headers: token ? { authorization: 'Bearer ' + token } : {},
      body: body && JSON.stringify(body),
    })).json();
    const { token } = await post('/v1/signup');
    const inbox = await post('/v1/inboxes', token, { name: 'outreach-worker' });
    const { status } = await post('/v1/emails/send', token, { from: inbox.address, to: 'recipient@example.com', subject: 'By fetch', text: 'by-plain-fetch' });
    console.log(status);
  `);
  expect({ code, printed }).toEqual({ code: 0, printed: 'queued\n' });
  expect(await shoal.untilArrived('by-plain-fetch')).toMatch(/^Subject: By fetch\r$/m);
});

/** The program of docs/start/from-an-agent.md. */
const [, URLLIB = ''] = /^```python\n(.*?)^```$/ms.exec(pageOf('docs/start/from-an-agent.md')) ?? [];

describe('client: urllib of Python', () => {
  it('sends as any client does', async (context) => {
    const before = shoal.sink.mails.length;
    if (!runs('python3', ['-c', 'import urllib.request'])) return context.skip('no python3 found; apt-get install python3');
    const { code, printed, complained } = await shoal.runProgram('python3', ['-c', URLLIB]);
    expect({ code, printed, complained }).toEqual({ code: 0, printed: 'queued\n', complained: '' });
    await shoal.sink.until('another mail', () => shoal.sink.mails.length > before);
    expect(shoal.sink.mails.at(-1)?.bytes.toString()).toMatch(/^Subject: Follow-up on your request\r$/m);
  });
});

function runs(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function pageOf(path: string): string {
  return readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
}
