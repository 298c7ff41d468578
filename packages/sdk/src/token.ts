import type { Connection } from './connection.ts';
import { ShoalError } from './error.ts';
import { notEmpty } from './option.ts';
import { environmentVariable } from './surroundings.ts';
import { readToken, saveToken, tokenFilePath } from './token-file.ts';

export interface Token {
  readonly text: string;
  /** For the reader of an error: where to look when this token is wrong. */
  readonly source: string;
}

/** Those of `ShoalOptions` that decide which token is used. */
export interface TokenOptions {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly fetch?: unknown;
  readonly signup?: boolean;
  readonly persistToken?: boolean;
}

/** What is said in code comes before the environment, that before the file, and a sign-up is the last resort. */
export async function findToken(options: TokenOptions, anonymous: Connection): Promise<Token | undefined> {
  const isEmbedded = options.fetch !== undefined && options.url === undefined;
  const written = notEmpty('token', options.token);
  if (written !== undefined) return { text: written, source: 'was passed as `token`' };
  const variable = isEmbedded ? undefined : notEmpty('SHOAL_TOKEN', environmentVariable('SHOAL_TOKEN'));
  if (variable !== undefined) return { text: variable, source: 'is that of SHOAL_TOKEN' };
  const persists = options.persistToken ?? !isEmbedded;
  const kept = persists ? await readToken(anonymous.url) : undefined;
  if (kept !== undefined)
    return { text: kept, source: `is the one kept for this URL in ${tokenFilePath() ?? 'the token file'}; without it a new one is made` };
  if (options.signup === false) return undefined;
  const { token } = await anonymous.json<{ readonly token: string }>({ method: 'POST', path: '/v1/signup' });
  // Two processes that begin at once sign up twice; both go on with the token that was kept first.
  return { text: persists ? await keptToken(anonymous.url, token) : token, source: 'was made by sign-up' };
}

/** A home folder that cannot be written to is common in containers, and no reason to have no mail. */
async function keptToken(url: string, token: string): Promise<string> {
  try {
    return (await saveToken(url, token)) ?? token;
  } catch {
    return token;
  }
}

/** A 401 is puzzling when nobody wrote a token: say where this one came from. */
export function explained(connection: Connection, token: Token | undefined): Connection {
  const explain = (cause: unknown): never => {
    if (!(cause instanceof ShoalError) || cause.status !== 401) throw cause;
    const { code, status, requestId, details } = cause;
    const [message, hint] =
      token === undefined
        ? ['there is no token for this server', 'Pass `token`, set SHOAL_TOKEN, or leave out `signup: false`.']
        : [
            `${connection.url} does not know this token`,
            `The token ${token.source}. Is this the right server, and are its data still there?`,
          ];
    throw new ShoalError({ code, status, requestId, details, message, hint, cause });
  };
  return {
    url: connection.url,
    json: (call) => connection.json<never>(call).catch(explain),
    bytes: (call) => connection.bytes(call).catch(explain),
  };
}
