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
  const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\n${THREE_LINES}\`\`\``);
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

const URLLIB = `
import json, os, urllib.request

def post(path, token=None, body=None):
    headers = {"Authorization": "Bearer " + token} if token else {}
    data = json.dumps(body).encode() if body else b""
    request = urllib.request.Request(os.environ["SHOAL_URL"] + path, data, headers, method="POST")
    return json.load(urllib.request.urlopen(request))

token = post("/v1/signup")["token"]
inbox = post("/v1/inboxes", token, {"name": "outreach-worker"})
sent = post("/v1/emails/send", token, {"from": inbox["address"], "to": "recipient@example.com", "subject": "By Python", "text": "by-urllib"})
print(sent["status"])
`;

describe('client: urllib of Python', () => {
  // It says `application/x-www-form-urlencoded` of whatever it posts, so the server must look at the bytes.
  it('sends as any client does', async (context) => {
    if (!runs('python3', ['-c', 'import urllib.request'])) return context.skip('no python3 found; apt-get install python3');
    const { code, printed, complained } = await shoal.runProgram('python3', ['-c', URLLIB]);
    expect({ code, printed, complained }).toEqual({ code: 0, printed: 'queued\n', complained: '' });
    expect(await shoal.untilArrived('by-urllib')).toMatch(/^Subject: By Python\r$/m);
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
