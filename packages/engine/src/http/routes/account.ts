import { readUsage, signUp } from '../../api/account.ts';
import { holdsOn, type Switch, switchAccount } from '../../api/kill-switch.ts';
import { ShoalError } from '../../model/errors.ts';
import { tenantScope } from '../../model/scope.ts';
import type { Role } from '../../model/tenant.ts';
import type { Usage } from '../../ports/store.ts';
import * as answers from '../answer-schemas-account.ts';
import { ACCOUNT_TERMS } from '../answers.ts';
import { iso } from '../iso.ts';
import { mintToken } from '../auth.ts';
import { isFromLoopback } from '../door.ts';
import { definedOnly } from '../defined-only.ts';
import { type Call, openRoute, type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { holdsJson } from '../standing-json.ts';
import { tokenJson } from './tokens.ts';

export const accountRoutes: readonly Route[] = [
  openRoute({
    method: 'POST',
    path: '/v1/signup',
    summary: 'Makes an account and its token. The token is shown this once.',
    status: 201,
    gives: answers.signUp,
    refuses: ['signup_closed'],
    answer: async (call) => {
      refuseWhenClosed(call);
      const { token, hash } = mintToken(call.deps.random);
      const role = roleFor(call);
      const tenant = await signUp(call.deps, { hash, role });
      return { body: { id: tenant.id, token, role, ...ACCOUNT_TERMS, createdAt: iso(tenant.createdAt) } };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/account',
    scope: 'read',
    summary: 'The account of this token, what holds it back, and the token itself with its caps and its policy.',
    gives: answers.account,
    answer: async ({ deps, caller }) => ({
      id: caller.tenant,
      role: caller.role,
      ...ACCOUNT_TERMS,
      usage: usageJson(await readUsage(deps, caller.tenant)),
      ...NOTHING_TO_VERIFY,
      holds: holdsJson(await holdsOn(deps, tenantScope(caller.tenant))),
      token: tokenJson(caller),
      createdAt: iso(caller.createdAt),
      lastActiveAt: iso(deps.clock.wallNow()), // by this very request
    }),
  }),
  switchRoute('stop', 'Refuses new mail of an account, and holds what is queued where it is; an operator may name any `account`.'),
  switchRoute('start', 'Takes new mail of a stopped account again, and lets what is queued go.'),
  switchRoute('pause', 'Holds the mail of an account; new mail is accepted and waits.'),
  switchRoute('resume', 'Lets the mail of a paused account go.'),
];

/** LobsterMail's clients read these: its accounts had to be verified before they could send. */
const NOTHING_TO_VERIFY = {
  verificationRequired: false,
  verificationMethods: [],
  verifiedAt: null,
  xVerificationPending: false,
  hasPaymentMethod: false,
} as const;

function usageJson({ inboxes, emailsToday, emailsThisMonth }: Usage): Readonly<Record<string, unknown>> {
  return { inboxCount: inboxes, emailsToday, emailsThisMonth, totalEmailsReceived: 0 }; // this version does not receive
}

/** Whoever owns the account may stop or pause it; to let it go on is for operators. */
function switchRoute(act: Switch, summary: string): Route {
  return route({
    method: 'POST',
    path: `/v1/account/${act}`,
    scope: 'manage',
    wholeAccount: true,
    summary,
    access: act === 'stop' || act === 'pause' ? 'token' : 'operator',
    body: schemas.switchAccount,
    gives: answers.switchedAccount,
    refuses: ['not_found'],
    answer: async ({ deps, caller, body }) => {
      const { account, holds } = await switchAccount(deps, caller, { act, ...definedOnly(body) });
      return { id: account, holds: holdsJson(holds) };
    },
  });
}

/** A sign-up without a socket comes from the program that opened the engine: its first start, or whoever embeds it. */
function roleFor({ remoteAddress }: Call): Role {
  return remoteAddress === undefined ? 'operator' : 'agent';
}

function refuseWhenClosed({ deps, remoteAddress, headers }: Call): void {
  const { signup } = deps.settings;
  switch (signup) {
    case 'open':
      return;
    case 'off':
      throw new ShoalError('signup_closed', 'sign-up is closed on this server: ask its operator for a token');
    case 'loopback':
      if (isFromLoopback(remoteAddress, headers)) return;
      throw new ShoalError(
        'signup_closed',
        'sign-up is open only on the machine of this server, and not through a proxy: run it there, or ask its operator for a token',
      );
    default:
      signup satisfies never;
  }
}
