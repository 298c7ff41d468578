import { type NewToken, type Scope, Shoal, type TokenRecord } from '@shoal/sdk';
import type { JsonFlag } from './command-table.ts';
import { EXIT } from './exit.ts';
import { momentOf } from './moment.ts';
import { entry, listing } from './print.ts';
import type { Terminal } from './terminal.ts';

export async function listTokens(terminal: Terminal, flags: JsonFlag): Promise<number> {
  const tokens = await (await Shoal.create()).tokens();
  if (flags.json === true) terminal.printJson({ tokens });
  else
    terminal.print(
      listing(
        tokens.map((token) => tokenText(token, terminal.columns)),
        'No tokens.',
      ),
    );
  return EXIT.ok;
}

export interface CreateTokenFlags extends JsonFlag {
  /** As written; the server says which there are. */
  readonly scope?: readonly string[];
  readonly inbox?: readonly string[];
  readonly expires?: string;
  readonly ownAccount?: boolean;
}

/** The one command that prints a token (security K3): nobody can ask for it again, and whoever made it has to hand it on. */
export async function createToken(terminal: Terminal, flags: CreateTokenFlags): Promise<number> {
  const { scope, inbox, expires, ownAccount } = flags;
  const wishes: NewToken = {
    ...(scope !== undefined && { scopes: scope as readonly Scope[] }),
    ...(inbox !== undefined && { inboxes: inbox }),
    ...(expires !== undefined && { expiresAt: momentOf('--expires', expires, { now: Date.now(), direction: 1 }) }),
    ...(ownAccount !== undefined && { ownAccount }),
  };
  const made = await (await Shoal.create()).createToken(wishes);
  if (flags.json === true) terminal.printJson(made);
  else {
    terminal.print(`${tokenText(made, terminal.columns)}\n${made.token}`);
    terminal.say('It is shown this once; SHOAL_TOKEN takes it.');
  }
  return EXIT.ok;
}

export async function revokeToken(terminal: Terminal, id: string, flags: JsonFlag): Promise<number> {
  await (await Shoal.create()).revokeToken(id);
  if (flags.json === true) terminal.printJson({ revoked: id });
  else terminal.say(`${id} is revoked: no process takes it any more. What it handed in before goes on.`);
  return EXIT.ok;
}

function tokenText(token: TokenRecord, columns: number): string {
  const { id, role, isStopped, scopes, inboxes, expiresAt, lastUsedAt, createdAt, account } = token;
  return entry(
    [id, role, isStopped ? 'stopped' : null],
    {
      account,
      scopes: scopes?.join(', '),
      inboxes: inboxes?.join(', '),
      created: createdAt,
      expires: expiresAt,
      'last used': lastUsedAt,
    },
    columns,
  );
}
