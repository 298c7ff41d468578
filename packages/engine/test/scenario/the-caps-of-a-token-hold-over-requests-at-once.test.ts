import { expect, it } from 'vitest';
import { openAgentsBench } from './agents-bench.ts';

it('P7: a hundred requests at the same moment get as many mails accepted as the caps of token and inbox have room for together', async () => {
  const { hire, operate, ledger } = await openAgentsBench();
  const agent = await hire('worker', { caps: { perHour: { messages: 10, recipients: 25 } } });
  await operate('PATCH', `/v1/inboxes/${agent.inbox}`, { caps: { perDay: { newRecipients: 17 } } });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => agent.send({ to: [`a${index}@example.net`, `b${index}@example.net`] })),
  );
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(8); // the ninth would bring the inbox to 18 strangers
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(92);
  expect((await ledger.stats()).byState.ready).toBe(8);
  // What the inbox refused took nothing from the token.
  const known = answers.findIndex(({ status }) => status === 202);
  const { body } = await agent.send({ to: `a${known}@example.net` });
  const left = (body['budget'] as { readonly unit: string; readonly left: number }[]).map((each) => `${each.left} ${each.unit}`);
  expect(left).toEqual(['1 messages', '8 recipients', '1 newRecipients']);
});
