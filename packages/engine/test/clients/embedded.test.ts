import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { serveShoal } from './served-shoal.ts';

/** The engine in a process of its user's, who has other things to do there. */

const shoal = serveShoal();

it('lets its process end by itself, as the page on embedding has it', async () => {
  const page = readFileSync(new URL('../../../../docs/start/embed.md', import.meta.url), 'utf8');
  const [, program = ''] = /^```ts run\n(.*?)^```$/ms.exec(page) ?? [];
  const home = shoal.newHome();
  const { code, printed } = await shoal.run(program.replaceAll("'./.shoal'", JSON.stringify(`${home}/.shoal`)), { home });
  expect({ code, printed }).toEqual({ code: 0, printed: 'sent\n' });
});

it('runs beside an app, keeps its mail and its token over a restart, and ends with it', async () => {
  const home = shoal.newHome();
  const program = (token: string): string => `
    import { createServer } from 'node:http';
    import { Shoal } from '@shoal/sdk';
    import { configOf, openEngine } from 'shoal';
    const engine = await openEngine(configOf({ dataDir: ${JSON.stringify(`${home}/.shoal`)}, http: 'off', transport: 'smtp://127.0.0.1:${shoal.sink.port}', log: 'warn' }));
    await engine.start();
    const mail = await Shoal.create({ fetch: engine.fetch${token === '' ? '' : `, token: '${token}'`} });
    const inbox = ${token === '' ? "await mail.createInbox({ localPart: 'my-app' })" : "await mail.inbox('my-app@shoal.localhost')"};
    const app = createServer(async (request, response) => {
      const { id } = await inbox.send({ to: 'ann@example.com', subject: 'Hello', text: request.url, idempotencyKey: request.url });
      response.end(id);
    });
    await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));
    const id = await (await fetch('http://127.0.0.1:' + app.address().port + '/embedded-order-1')).text();
    await (await mail.email(id)).waitUntilSent();
    app.closeAllConnections();
    app.close();
    await engine.close();
    console.log(JSON.stringify({ id, token: mail.token() }));
  `;
  const first = (await shoal.run(program(''), { home })).said();
  const second = await shoal.run(program(String(first['token'])), { home });
  expect(second.code).toBe(0); // it ended by itself
  expect(second.said()['id']).toBe(first['id']);
  expect(shoal.arrived('/embedded-order-1')).toHaveLength(1);
});
