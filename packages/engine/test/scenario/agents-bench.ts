import { type Answer, type Asking, type HttpBench, type Json, openHttpBench } from './http-bench.ts';

/** An agent with a token of its own: its account, and one inbox. */
export interface Agent {
  readonly tokenId: string;
  readonly account: string;
  readonly inbox: string;
  ask(method: string, path: string, body?: Json): Promise<Answer>;
  /** Sends a mail that no duplicate guard takes for an earlier one. */
  send(mail?: Json, asking?: Asking): Promise<Answer>;
}

export interface AgentsBench extends HttpBench {
  /** As the operator, whose token is that of the first start. */
  operate(method: string, path: string, body?: Json): Promise<Answer>;
  /** A token made by the operator, in an account of its own. */
  hire(name: string, bounds?: Json): Promise<Agent>;
}

export async function openAgentsBench(): Promise<AgentsBench> {
  const bench = await openHttpBench();
  const operator = await bench.signUp();
  const operate: AgentsBench['operate'] = (method, path, body) => operator.ask(method, path, body === undefined ? {} : { body });
  let count = 0;
  return {
    ...bench,
    operate,
    async hire(name, bounds = {}) {
      const { body: made } = await operate('POST', '/v1/tokens', { ownAccount: true, ...bounds });
      const token = String(made['token']);
      const ask: Agent['ask'] = (method, path, body) => bench.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
      const inbox = String((await ask('POST', '/v1/inboxes', { localPart: name })).body['id']);
      return {
        tokenId: String(made['id']),
        account: String(made['account']),
        inbox,
        ask,
        send: (mail = {}, asking = {}) => {
          const body = { to: 'bob@example.net', subject: `Mail ${++count}`, text: 'Hello, Bob', ...mail };
          return bench.ask('POST', `/v1/inboxes/${inbox}/send`, { token, body, ...asking });
        },
      };
    },
  };
}
