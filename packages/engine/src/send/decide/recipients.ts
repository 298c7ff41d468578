import type { RecipientReply } from '../../model/reply.ts';
import type { ChildJob, Lease, Settlement } from '../../ports/ledger.ts';
import type { Refusal, TurnedDown } from '../classify.ts';
import type { Action } from '../classify/rule.ts';
import { childId } from '../ids.ts';
import { effectsOf, merged } from './effects.ts';
import { answered, quote } from './notes.ts';
import { type Circumstances, type Refused, whatNext } from './refusal.ts';

export type Decided = Pick<Settlement, 'outcome' | 'note' | 'keeps' | 'children' | 'effects'>;

/** The accepted recipients are done, and only the others go on: a whole envelope is never run again (RFC 5321 section 4.2.5). */
export function takenFor(refusedOnes: readonly TurnedDown[], at: Circumstances): Decided {
  const groups = grouped(refusedOnes);
  const effects = merged([{ kind: 'through', isTaken: true }, ...groups.flatMap((group) => effectsOf(refusedOf(group), at))]);
  if (groups.length === 0) return { outcome: { kind: 'sent' }, note: 'The next hop took it.', effects };
  const children = groups.map((group) => childOf(group, at));
  const keeps = notCarriedBy(children, at.lease);
  const note = `The next hop took it for ${keeps.length} of ${at.lease.envelope.to.length} recipients.`;
  return { outcome: { kind: 'sent' }, note, effects, keeps, children };
}

/** Nobody was accepted. The job goes on with the recipients that have most hope; the other groups part from it. */
export function takenForNobody(recipients: readonly TurnedDown[], at: Circumstances): Decided {
  const groups = grouped(recipients);
  const [first, ...others] = groups;
  if (first === undefined) throw new RangeError('turned down, but no recipient is named');
  const effects = merged(groups.flatMap((group) => effectsOf(refusedOf(group), at)));
  const own = { ...whatNext(refusedOf(first), at), effects };
  if (others.length === 0) return own;
  const children = others.map((group) => childOf(group, at));
  return { ...own, keeps: notCarriedBy(children, at.lease), children };
}

interface Group {
  readonly name: string;
  readonly refusal: Refusal;
  readonly recipients: readonly [RecipientReply, ...RecipientReply[]];
}

/** By what comes next, the hopeful groups first. */
function grouped(recipients: readonly TurnedDown[]): readonly Group[] {
  const groups = new Map<string, { refusal: Refusal; recipients: [RecipientReply, ...RecipientReply[]] }>();
  for (const { address, reply, refusal } of recipients) {
    const name = nameOf(refusal);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { refusal, recipients: [{ address, reply }] });
    else group.recipients.push({ address, reply });
  }
  const rank = ({ refusal }: Group): number => HOPE.indexOf(refusal.rule.action);
  return [...groups].map(([name, group]) => ({ name, ...group })).sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

const HOPE: readonly Action[] = ['retry', 'greylist', 'network', 'reconnect', 'throttle', 'pause', 'bounce', 'reject'];

/** It goes into the ids of children, so it must not change between two settles of one attempt. */
function nameOf({ rule, askedMs }: Refusal): string {
  const wait = Math.max(askedMs, rule.waitMs ?? 0);
  const suffix = `${wait > 0 ? `-${wait}` : ''}${rule.onceOnly ? '-once' : ''}`;
  switch (rule.action) {
    case 'bounce':
    case 'reject':
      return 'never';
    case 'retry':
      return `later-deferred${suffix}`;
    case 'greylist':
    case 'network':
      return `later-${rule.action}${suffix}`;
    case 'reconnect':
      return rule.isCrowd ? 'crowd' : 'rest';
    case 'throttle':
    case 'pause':
      return `${rule.action}-${rule.id}`;
    default:
      return rule.action satisfies never;
  }
}

function childOf(group: Group, at: Circumstances): ChildJob {
  const common = { id: childId(at.lease, group.name), to: group.recipients.map(({ address }) => address), recipients: group.recipients };
  // The server wants fewer recipients at once (RFC 5321 section 4.5.3.1.10): the rest goes in a transaction of its own, now.
  if (group.name === 'rest')
    return { ...common, outcome: { kind: 'release', why: 'busy', delayMs: 0 }, note: `${refusedOf(group).said} The rest goes by itself.` };
  return { ...common, ...whatNext(refusedOf(group), at) };
}

function refusedOf({ refusal, recipients }: Group): Refused {
  const [{ reply }] = recipients;
  const addresses = recipients.map(({ address }) => address);
  return { refusal, said: quote(reply), shared: answered('rcpt', reply), reply, recipients: addresses };
}

/** What no child carries stays with its job, so that no recipient can fall between the two. */
function notCarriedBy(children: readonly ChildJob[], lease: Lease): readonly string[] {
  const carried = new Set(children.flatMap(({ to }) => to));
  return lease.envelope.to.filter((address) => !carried.has(address));
}
