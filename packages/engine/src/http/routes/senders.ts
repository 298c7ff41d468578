import * as z from 'zod';
import {
  changeSender,
  createSender,
  deleteSender,
  getSender,
  listSenders,
  pauseSender,
  resumeSender,
  type SenderView,
} from '../../api/senders.ts';
import { waitingFor } from '../../api/waits.ts';
import { perMinute } from '../../model/gate.ts';
import type { Limits } from '../../model/limit.ts';
import { perMessageOf } from '../../model/preset.ts';
import { shownTransport } from '../../model/sender.ts';
import type { SenderStanding, Standing } from '../../ports/ledger-scopes.ts';
import * as answers from '../answer-schemas-senders.ts';
import { pageJson } from '../answers.ts';
import { iso, isoOrNull } from '../iso.ts';
import { definedOnly } from '../defined-only.ts';
import { type Route, route } from '../route.ts';
import { allowanceJson, holdsJson } from '../standing-json.ts';

type Json = Readonly<Record<string, unknown>>;

const settings = {
  preset: z.union([z.string(), z.array(z.string())], { error: 'must be one or more names of presets, auto or none' }).optional(),
  limits: z.record(z.string(), z.unknown()).optional().describe('As in the configuration: { "perDay": { "messages": 500 } }.'),
  headroom: z.number().optional().describe('Share of the preset left to mail that Shoal does not see; 0 to 0.9.'),
};
const newSender = z.object({ name: z.string(), transport: z.string(), ...settings });
const changes = z.object({ transport: z.string().optional(), ...settings });
const removal = z.object({ moveTo: z.string().optional().describe('Gives its inboxes to this sender.') });
const pause = z.object({ note: z.string().max(500).optional() });

export const senderRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/senders',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Makes a sender: a name, a transport URL, whose password is sealed and never shown again, a preset and limits.',
    access: 'operator',
    body: newSender,
    status: 201,
    gives: answers.sender,
    refuses: ['sender_exists', 'sender_in_config'],
    answer: async ({ deps, body }) => senderJson(await createSender(deps, definedOnly(body))),
  }),
  route({
    method: 'GET',
    path: '/v1/senders',
    scope: 'read',
    wholeAccount: true,
    summary: 'All senders, by name, each with its limits, what is left of them, what holds it back, and its backlog.',
    access: 'operator',
    gives: answers.senderPage,
    answer: async ({ deps }) => pageJson((await listSenders(deps)).map(senderJson), undefined),
  }),
  route({
    method: 'GET',
    path: '/v1/senders/:name',
    scope: 'read',
    wholeAccount: true,
    summary: 'One sender, and when its backlog will have gone.',
    access: 'operator',
    gives: answers.sender,
    answer: async ({ deps, param }) => senderJson(await getSender(deps, param('name'))),
  }),
  route({
    method: 'PATCH',
    path: '/v1/senders/:name',
    scope: 'manage',
    wholeAccount: true,
    summary:
      'Changes transport, preset, limits or headroom while it runs; limits are replaced as a whole, and what was sent stays counted.',
    access: 'operator',
    body: changes,
    gives: answers.sender,
    refuses: ['sender_in_config'],
    answer: async ({ deps, param, body }) => senderJson(await changeSender(deps, param('name'), definedOnly(body))),
  }),
  route({
    method: 'DELETE',
    path: '/v1/senders/:name',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Removes a sender that no mail waits for; `moveTo` gives its inboxes to another one.',
    access: 'operator',
    query: removal,
    gives: answers.removedSender,
    refuses: ['sender_in_config', 'sender_in_use', 'no_such_sender'],
    answer: async ({ deps, param, query }) => ({ deleted: true, ...(await deleteSender(deps, param('name'), definedOnly(query))) }),
  }),
  route({
    method: 'POST',
    path: '/v1/senders/:name/pause',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Holds a sender back: its mail is accepted and waits.',
    access: 'operator',
    body: pause,
    gives: answers.sender,
    answer: async ({ deps, param, body: { note } }) => senderJson(await pauseSender(deps, param('name'), note)),
  }),
  route({
    method: 'POST',
    path: '/v1/senders/:name/resume',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Ends whatever holds a sender back, a failed login and a provider that asked for less included.',
    access: 'operator',
    gives: answers.sender,
    answer: async ({ deps, param }) => senderJson(await resumeSender(deps, param('name'))),
  }),
];

function senderJson(view: SenderView): Json {
  const { sender, standing, now, fullAt } = view;
  const backlog = standing.sender;
  return {
    name: sender.id,
    origin: sender.origin,
    transport: shownTransport(sender.transport),
    preset: sender.settings.preset,
    presets: sender.presets.map(({ id }) => id),
    headroom: sender.settings.headroom ?? null,
    limits: sender.settings.limits,
    inForce: limitsJson(sender.limits),
    perMessage: perMessageOf(sender.presets),
    allowances: standing.allowances.map(allowanceJson),
    holds: holdsJson(standing.holds),
    gate: backlog === undefined ? null : gateJson(backlog, now),
    backlog: { ready: backlog?.ready ?? 0, scheduled: backlog?.scheduled ?? 0, underWay: backlog?.underWay ?? 0 },
    forecast: forecastJson(standing, fullAt),
    createdAt: isoOrNull(sender.createdAt),
  };
}

function limitsJson({ rules, pace, connections, ownDomains }: Limits): Json {
  return {
    rules: rules.map(({ unit, max, windowMs, marginMs }) => ({ unit, max, windowSeconds: windowMs / 1_000, marginMs })),
    pace: pace ?? null,
    connections: connections?.max ?? null,
    ownDomains: ownDomains ?? [],
  };
}

/** Null while the sender's peer is well. */
function gateJson({ gate }: SenderStanding, now: number): Json | null {
  const rate = perMinute(gate, now);
  if (gate.closedUntil <= now && gate.openMax === undefined && rate === undefined) return null;
  return {
    why: gate.why ?? null,
    note: gate.note ?? null,
    closedUntil: gate.closedUntil > now ? iso(gate.closedUntil) : null,
    openMax: gate.openMax === undefined ? null : Math.max(1, Math.floor(gate.openMax)),
    perMinute: rate ?? null,
  };
}

function forecastJson({ sender }: Standing, fullAt: number | undefined): Json {
  return {
    nextAt: isoOrNull(sender?.nextAt),
    waiting: sender?.because === undefined ? null : waitingFor(sender.because),
    doneAt: isoOrNull(sender?.doneAt),
    fullAt: isoOrNull(fullAt),
  };
}
