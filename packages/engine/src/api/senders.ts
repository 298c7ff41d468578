/** Senders as an operator manages them: those of the configuration are shown, those made here can be changed. */
import { OPEN_GATE, sentPerMinute } from '../model/gate.ts';
import { ShoalError } from '../model/errors.ts';
import { type SenderId, senderId } from '../model/ids.ts';
import { addressOf, type Inbox } from '../model/inbox.ts';
import { PAGE_MAX } from '../model/limits.ts';
import { senderScope } from '../model/scope.ts';
import { PLAIN_SETTINGS, type Sender, type SenderSettings, senderOf } from '../model/sender.ts';
import { checkedName, checkedSettings, type WrittenSettings } from '../model/sender-settings.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Standing } from '../ports/ledger-scopes.ts';
import type { SenderRecord, SenderStore } from '../ports/sender-store.ts';
import type { Vault } from '../ports/vault.ts';
import { purposeOf, type Roster } from '../send/roster.ts';
import { standingsOf } from '../send/roster-ledger.ts';

export interface SenderPorts {
  readonly senderStore: SenderStore;
  readonly roster: Roster;
  readonly vault: Vault;
  readonly ledger: Pick<Ledger, 'standing' | 'hold' | 'lift' | 'list' | 'stats'>;
  readonly clock: Pick<Clock, 'wallNow'>;
  /** Refuses what could not be opened, or must not be connected to. @throws ShoalError `bad_config` */
  readonly checkTransport: (url: string) => Promise<void>;
}

export interface WrittenSender extends WrittenSettings {
  readonly transport?: string;
}

/** A sender and how it stands with the whole fleet. */
export interface SenderView {
  readonly sender: Sender;
  readonly standing: Standing;
  /** The ledger's clock, epoch ms. */
  readonly now: number;
  /** When the first of its limits will be used up at the rate of the last minute; absent at rest, or with room for ever. */
  readonly fullAt?: number;
}

/** @throws ShoalError `sender_exists`, `sender_in_config`, `refused_value` */
export async function createSender(ports: SenderPorts, written: WrittenSender & { readonly name: string }): Promise<SenderView> {
  const id = checkedName(written.name, refuse);
  if (written.transport === undefined) throw refuse('transport', 'is missing: say how its mail leaves, such as smtps://user:password@host');
  refuseConfigured(ports, id);
  const settings = checkedSettings(written, refuse);
  const now = ports.clock.wallNow();
  const transport = await sealed(ports, id, written.transport);
  if (!(await ports.senderStore.addSender({ id, transport, settings, createdAt: now, updatedAt: now })))
    throw new ShoalError('sender_exists', `there is a sender ${id} already`);
  try {
    await ports.roster.refresh();
    return await getSender(ports, id);
  } catch {
    // It is made, so nothing may say that it is not. No mail goes by it before the roster has told the ledger.
    return newView(senderOf({ id, origin: 'api', transport: written.transport, settings, createdAt: now }), now);
  }
}

export async function listSenders(ports: SenderPorts): Promise<readonly SenderView[]> {
  await ports.roster.refresh();
  return viewsOf(ports, ports.roster.list());
}

/** @throws ShoalError `not_found` */
export async function getSender(ports: SenderPorts, name: string): Promise<SenderView> {
  const [view] = await viewsOf(ports, [await found(ports, name)]);
  if (view === undefined) throw new Error('the ledger answered nothing for a sender');
  return view;
}

/** What is absent stays as it is; limits are replaced as a whole. What waits goes on under the new ones. */
export async function changeSender(ports: SenderPorts, name: string, changes: WrittenSender): Promise<SenderView> {
  const before = await changeable(ports, name);
  const { id } = before;
  const settings: SenderSettings = checkedSettings({ ...PLAIN_SETTINGS, ...before.settings, ...settingsIn(changes) }, refuse);
  const transport = changes.transport === undefined ? before.transport : await sealed(ports, id, changes.transport);
  if (!(await ports.senderStore.changeSender({ ...before, transport, settings, updatedAt: ports.clock.wallNow() }))) throw noSender();
  await ports.roster.refresh();
  return getSender(ports, id);
}

/**
 * Only once nothing needs it any more: mail that waits for it could never go.
 *
 * @throws ShoalError `not_found`, `sender_in_config`, `sender_in_use`
 */
export async function deleteSender(
  ports: SenderPorts,
  name: string,
  options: { readonly moveTo?: string },
): Promise<{ readonly movedInboxes: number }> {
  const { id } = await changeable(ports, name);
  const moveTo = options.moveTo === undefined ? undefined : (await namedSender(ports, options.moveTo)).id;
  if (moveTo === id) throw refuse('moveTo', 'is the sender that is to go');
  await refuseBacklog(ports, id);
  await refuseDoubts(ports, id);
  const removed = await ports.senderStore.removeSender(id, moveTo === undefined ? {} : { moveTo });
  switch (removed.kind) {
    case 'removed':
      await ports.roster.refresh();
      return { movedInboxes: removed.movedInboxes };
    case 'missing':
      throw noSender();
    case 'in_use':
      throw inUse(id, removed.inboxes, removed.count);
    default:
      return removed satisfies never;
  }
}

const PAUSED = 'paused by the operator';

/** Its mail is accepted and waits; what has no commit yet does not go. Again with another note replaces it. */
export async function pauseSender(ports: SenderPorts, name: string, note?: string): Promise<SenderView> {
  const { id } = await found(ports, name);
  await ports.ledger.hold([{ scope: senderScope(id), why: 'pause', note: note === undefined || note === '' ? PAUSED : note }]);
  return getSender(ports, id);
}

/** By a person: whatever held it back is over, a failed login and a provider that asked for less included. */
export async function resumeSender(ports: SenderPorts, name: string): Promise<SenderView> {
  const { id } = await found(ports, name);
  const scope = senderScope(id);
  const [standing] = await ports.ledger.standing([scope]);
  const whys = new Set(['pause' as const, ...(standing?.holds ?? []).map(({ why }) => why)]); // lifting opens the gate as well
  await ports.ledger.lift([...whys].map((why) => ({ scope, why })));
  return getSender(ports, id);
}

/** What an inbox names. @throws ShoalError `no_such_sender` */
export async function namedSender(ports: Pick<SenderPorts, 'roster'>, name: string): Promise<Sender> {
  const sender = await lookUp(ports, name);
  if (sender !== undefined) return sender;
  throw new ShoalError('no_such_sender', 'there is no sender of this name', { details: { sender: 'is no sender of this server' } });
}

async function lookUp({ roster }: Pick<SenderPorts, 'roster'>, name: string): Promise<Sender | undefined> {
  const id = readName(name);
  if (id === undefined) return undefined;
  const known = roster.get(id);
  if (known?.origin === 'config') return known;
  await roster.refresh(); // another process may have made, changed or removed it
  return roster.get(id);
}

async function found(ports: Pick<SenderPorts, 'roster'>, name: string): Promise<Sender> {
  const sender = await lookUp(ports, name);
  if (sender === undefined) throw noSender();
  return sender;
}

/** One that was made here, also when its secret cannot be read any more: it may get another one. */
async function changeable(ports: Pick<SenderPorts, 'roster' | 'senderStore'>, name: string): Promise<SenderRecord> {
  const id = readName(name);
  if (id === undefined) throw noSender();
  refuseConfigured(ports, id);
  const record = await ports.senderStore.getSender(id);
  if (record === undefined) throw noSender();
  return record;
}

function refuseConfigured({ roster }: Pick<SenderPorts, 'roster'>, id: SenderId): void {
  if (roster.get(id)?.origin !== 'config') return;
  const where = id === 'default' ? 'SHOAL_TRANSPORT and `senders.default`' : `\`senders.${id}\``;
  throw new ShoalError('sender_in_config', `sender ${id} is one of the configuration: change it there, under ${where}, and restart`);
}

function readName(name: string): SenderId | undefined {
  try {
    return senderId(name);
  } catch {
    return undefined; // what cannot be a name is the name of nothing
  }
}

function settingsIn({ preset, limits, headroom }: WrittenSettings): WrittenSettings {
  return {
    ...(preset !== undefined && { preset }),
    ...(limits !== undefined && { limits }),
    ...(headroom !== undefined && { headroom }),
  };
}

async function sealed(ports: Pick<SenderPorts, 'vault' | 'checkTransport'>, id: SenderId, url: string): Promise<Uint8Array> {
  try {
    await ports.checkTransport(url);
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'bad_config') throw refuse('transport', `cannot be used: ${error.message}`);
    throw error;
  }
  return ports.vault.seal(url, purposeOf(id));
}

async function viewsOf(ports: Pick<SenderPorts, 'ledger'>, senders: readonly Sender[]): Promise<readonly SenderView[]> {
  const [standings, { now }] = await Promise.all([standingsOf(ports.ledger, senders), ports.ledger.stats()]);
  return senders.flatMap((sender, index) => {
    const standing = standings[index];
    if (standing === undefined) return [];
    const fullAt = quotaFullAt(standing, now);
    return [{ sender, standing, now, ...(fullAt !== undefined && { fullAt }) }];
  });
}

/** Of one that was just made: nothing waits for it, and nothing is used. */
function newView(sender: Sender, now: number): SenderView {
  const { id, limits } = sender;
  const scope = senderScope(id);
  const allowances = limits.rules.map((rule) => ({ scope, rule, used: 0, left: rule.max }));
  const atRest = { ready: 0, scheduled: 0, underWay: 0, gate: OPEN_GATE };
  return { sender, standing: { scope, limits, allowances, holds: [], sender: atRest }, now };
}

/** A rate says nothing about other units than mails, and seats that come free meanwhile only make it later. */
function quotaFullAt({ allowances, sender }: Standing, now: number): number | undefined {
  if (allowances.some(({ left }) => left === 0)) return now;
  const perMinute = sender === undefined ? 0 : sentPerMinute(sender.gate, now);
  const times = allowances
    .filter(({ rule, left }) => rule.unit === 'messages' && perMinute * (rule.windowMs / MINUTE_MS) > left)
    .map(({ left }) => now + Math.ceil((left / perMinute) * MINUTE_MS));
  return times.length === 0 ? undefined : Math.min(...times);
}
const MINUTE_MS = 60_000;

async function refuseBacklog({ ledger }: Pick<SenderPorts, 'ledger'>, id: SenderId): Promise<void> {
  const [standing] = await ledger.standing([senderScope(id)]);
  const { ready = 0, scheduled = 0, underWay = 0 } = standing?.sender ?? {};
  const open = ready + scheduled + underWay;
  if (open === 0) return;
  throw new ShoalError('sender_in_use', `${open} mails still wait for sender ${id}: let them go, or cancel them`, {
    details: { mails: String(open) },
  });
}

/** Pages of mail in doubt that are looked through for one of this sender; more of it wants a decision first. */
const DOUBT_PAGES_MAX = 50;

/** Mail in doubt may be sent once more, by whoever decides about it or by itself. */
async function refuseDoubts({ ledger }: Pick<SenderPorts, 'ledger'>, id: SenderId): Promise<void> {
  let mails = 0;
  let cursor: string | undefined;
  for (let page = 0; page < DOUBT_PAGES_MAX && (page === 0 || cursor !== undefined); page += 1) {
    const found = await ledger.list({ states: ['in_doubt'], max: PAGE_MAX, ...(cursor !== undefined && { cursor }) });
    mails += found.jobs.filter(({ sender }) => sender === id).length;
    cursor = found.cursor;
  }
  if (mails === 0 && cursor === undefined) return;
  const what =
    mails > 0 ? `${mails} mails of sender ${id} are in doubt` : `more mails are in doubt than can be looked through for those of ${id}`;
  throw new ShoalError('sender_in_use', `${what}, and may be sent once more: decide about them first`, {
    details: { mailsInDoubt: mails > 0 ? String(mails) : `above ${DOUBT_PAGES_MAX * PAGE_MAX}, of all senders` },
  });
}

function inUse(id: SenderId, inboxes: readonly Inbox[], count: number): ShoalError {
  const named = inboxes.map(addressOf).join(', ');
  return new ShoalError('sender_in_use', `${count} inboxes send with ${id}: ${named}${count > inboxes.length ? ', ...' : ''}`, {
    details: { inboxes: named },
  });
}

function refuse(at: string, problem: string): ShoalError {
  return new ShoalError('refused_value', `${at} ${problem}`, { details: { [at]: problem } });
}

function noSender(): ShoalError {
  return new ShoalError('not_found', 'no sender of this name');
}
