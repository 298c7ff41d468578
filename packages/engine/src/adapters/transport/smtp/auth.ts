import type { Mechanism } from './url.ts';

/** A login: the command that begins it, and what answers each 334 after it. No answer left means the server asks too much. */
export interface Login {
  readonly command: string;
  readonly answers: readonly string[];
}

/** The asked mechanism, or the best one offered; undefined when the server has none that we speak. */
export function mechanismOf(asked: Mechanism | undefined, offered: readonly string[]): Mechanism | undefined {
  if (asked !== undefined) return offered.includes(asked.toUpperCase()) ? asked : undefined;
  // XOAUTH2 is never chosen alone: only the operator knows whether the secret is a token.
  if (offered.includes('PLAIN')) return 'plain';
  return offered.includes('LOGIN') ? 'login' : undefined;
}

/** RFC 4616 (PLAIN, in the initial response of RFC 4954), the LOGIN of draft-murchison-sasl-login, Google's XOAUTH2. */
export function loginWith(mechanism: Mechanism, user: string, secret: string): Login {
  switch (mechanism) {
    case 'plain':
      return { command: `AUTH PLAIN ${base64(`\0${user}\0${secret}`)}`, answers: [] };
    case 'login':
      return { command: 'AUTH LOGIN', answers: [base64(user), base64(secret)] };
    case 'xoauth2':
      // A refused token comes as a 334 with the reason in base64; the empty answer fetches the real 535.
      return { command: `AUTH XOAUTH2 ${base64(`user=${user}\x01auth=Bearer ${secret}\x01\x01`)}`, answers: [''] };
    default:
      return mechanism satisfies never;
  }
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
