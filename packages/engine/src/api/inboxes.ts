import { ShoalError } from '../model/errors.ts';
import { base32, type InboxId, inboxId, type SenderId, senderId, type TenantId } from '../model/ids.ts';
import { addressOf, type Inbox } from '../model/inbox.ts';
import { faultOfHeaderText } from '../send/faults.ts';
import { checkedBounds, limitBudget, type WrittenBounds } from './bounds.ts';
import type { Caller } from './caller.ts';
import { pageAt } from './cursor.ts';
import { checkedInboxLimits, limitInbox, type WrittenInboxLimits } from './inbox-limits.ts';
import { cleanLocalPart, DISPLAY_NAME_CHARACTERS_MAX, localPartFault, localPartsFor, type NameWishes } from './names.ts';
import type { ApiPorts } from './ports.ts';
import { namedSender } from './senders.ts';

export interface NewInbox extends NameWishes {
  /** This local part and no other. */
  readonly localPart?: string;
  readonly displayName?: string;
  readonly domain?: string;
  /** Its sender's name; `default` unless an operator says otherwise. */
  readonly sender?: string;
}

const DEFAULT_SENDER = senderId('default');

/** With 40 random bits a second try is rare and a fifth one means that something else is wrong. */
const RANDOM_NAMES_MAX = 5;

/**
 * Opens an inbox: under `localPart` exactly, under the first free form of the wishes, or under a random name.
 *
 * @throws ShoalError `address_collision` when `localPart` is taken, `refused_value` when it or `domain` may not be used,
 * `no_such_sender`, `forbidden` when somebody else than an operator names one
 */
export async function createInbox(
  ports: Pick<ApiPorts, 'store' | 'clock' | 'random' | 'roster'>,
  { role, tenant }: Pick<Caller, 'role' | 'tenant'>,
  ours: { readonly domain: string },
  wanted: NewInbox,
): Promise<Inbox> {
  refuseForeignDomain(wanted.domain, ours.domain);
  refuseDisplayName(wanted.displayName);
  const sender = await senderFor(ports, role, wanted.sender ?? DEFAULT_SENDER);
  const open = async (localPart: string): Promise<Inbox | undefined> => {
    const inbox: Inbox = {
      id: inboxId(`ibx_${base32(ports.random.bytes(17), 26)}`),
      tenant,
      localPart,
      domain: ours.domain,
      ...(wanted.displayName === undefined || wanted.displayName === '' ? {} : { displayName: wanted.displayName }),
      sender,
      isActive: true,
      createdAt: ports.clock.wallNow(),
    };
    return (await ports.store.addInbox(inbox)) ? inbox : undefined;
  };

  if (wanted.localPart !== undefined) {
    refuseLocalPart(wanted.localPart);
    const inbox = await open(wanted.localPart);
    if (inbox === undefined) throw new ShoalError('address_collision', `${wanted.localPart}@${ours.domain} is taken`);
    return inbox;
  }
  for (const localPart of localPartsFor(wanted)) {
    const inbox = await open(localPart);
    if (inbox !== undefined) return inbox;
  }
  for (let tries = 0; tries < RANDOM_NAMES_MAX; tries += 1) {
    const inbox = await open(`agent-${base32(ports.random.bytes(5), 8)}`);
    if (inbox !== undefined) return inbox;
  }
  throw new ShoalError('internal_error', 'no free random name was found');
}

/** Whoever may choose among senders steps around what holds one back, and spends what others of it may send. */
async function senderFor(ports: Pick<ApiPorts, 'roster'>, role: Caller['role'], name: string): Promise<SenderId> {
  if (name === DEFAULT_SENDER) return DEFAULT_SENDER;
  if (role !== 'operator')
    throw new ShoalError('forbidden', 'to name another sender than `default` is for operators: leave `sender` out, or ask one of them', {
      details: { sender: 'is for operators to name, here or later with PATCH /v1/inboxes/:id' },
    });
  return (await namedSender(ports, name)).id;
}

export function listInboxes(
  ports: Pick<ApiPorts, 'store'>,
  query: { readonly tenant: TenantId; readonly max?: number; readonly cursor?: string; readonly onlyActive: boolean },
): Promise<{ readonly inboxes: readonly Inbox[]; readonly cursor?: string }> {
  const { cursor, ...rest } = query;
  return pageAt(cursor, (place) => ports.store.listInboxes({ ...rest, ...place }));
}

/** By id or by address. @throws ShoalError `not_found` */
export async function getInbox(ports: Pick<ApiPorts, 'store'>, tenant: TenantId, reference: string): Promise<Inbox> {
  const inbox = reference.includes('@') ? await ports.store.findInbox(tenant, reference) : await byId(ports, tenant, reference);
  if (inbox === undefined) throw new ShoalError('not_found', 'no inbox with this id');
  return inbox;
}

/** An inbox of the caller's account; for an operator any, by id or by address. @throws ShoalError `not_found` */
export async function inboxFor(ports: Pick<ApiPorts, 'store'>, { role, tenant }: Caller, reference: string): Promise<Inbox> {
  if (role !== 'operator') return getInbox(ports, tenant, reference);
  const inbox = await ports.store.findAnyInbox(reference);
  if (inbox === undefined) throw new ShoalError('not_found', 'no inbox with this id');
  return inbox;
}

/**
 * For operators. With another sender, what it sends from now on goes by that one, and what waits by the one it had.
 *
 * @throws ShoalError `not_found`, `no_such_sender`, `refused_value`, `bad_request` when nothing is to be changed
 */
export async function changeInbox(
  ports: Pick<ApiPorts, 'store' | 'ledger' | 'senderStore' | 'roster'>,
  caller: Caller,
  reference: string,
  { sender, ...written }: WrittenBounds & WrittenInboxLimits & { readonly sender?: string },
): Promise<Inbox> {
  // All is checked before anything is changed.
  const limits = checkedInboxLimits(written);
  const bounds = checkedBounds(written);
  const named = sender === undefined ? undefined : await namedSender(ports, sender);
  if (named === undefined && Object.keys({ ...limits, ...bounds }).length === 0)
    throw new ShoalError('bad_request', 'nothing to change: give caps, policy, limits, weight or sender', {
      details: { caps: 'or another field is required' },
    });
  const inbox = await inboxFor(ports, caller, reference);
  await limitBudget(ports, inbox.id, bounds);
  await limitInbox(ports, inbox.id, limits);
  if (Object.keys(bounds).length > 0) await ports.store.changeInbox(inbox.id, bounds);
  if (named !== undefined) await ports.senderStore.setInboxSender(inbox.tenant, inbox.id, named.id);
  return { ...inbox, ...bounds, ...(named !== undefined && { sender: named.id }) };
}

/** @throws ShoalError `not_found`, and `forbidden` when it was deleted */
export async function getActiveInbox(ports: Pick<ApiPorts, 'store'>, tenant: TenantId, reference: string): Promise<Inbox> {
  return refuseInactive(await getInbox(ports, tenant, reference));
}

/** Who may send from this address. @throws ShoalError `forbidden`, the same for a foreign, an unknown and a deleted one */
export async function inboxSendingFrom(ports: Pick<ApiPorts, 'store'>, tenant: TenantId, address: string): Promise<Inbox> {
  const inbox = await ports.store.findInbox(tenant, address);
  if (inbox?.isActive !== true)
    throw new ShoalError('forbidden', '`from` must be the bare address of an active inbox of this token', {
      details: { from: 'is no active inbox of this token' },
    });
  return inbox;
}

/** The inbox stays readable and can no longer send; its address is not given to anybody else. @throws ShoalError `not_found` */
export async function deleteInbox(ports: Pick<ApiPorts, 'store'>, tenant: TenantId, reference: string): Promise<void> {
  const inbox = await getInbox(ports, tenant, reference);
  await ports.store.deactivateInbox(tenant, inbox.id);
}

async function byId(ports: Pick<ApiPorts, 'store'>, tenant: TenantId, text: string): Promise<Inbox | undefined> {
  const id = readInboxId(text);
  return id === undefined ? undefined : ports.store.getInbox(tenant, id);
}

function readInboxId(text: string): InboxId | undefined {
  try {
    return inboxId(text);
  } catch {
    return undefined; // what cannot be an id is the id of nothing
  }
}

function refuseInactive(inbox: Inbox): Inbox {
  if (!inbox.isActive) throw new ShoalError('forbidden', `${addressOf(inbox)} was deleted and can no longer send`);
  return inbox;
}

function refuseForeignDomain(domain: string | undefined, ours: string): void {
  if (domain === undefined || domain.toLowerCase() === ours) return;
  throw new ShoalError('refused_value', `inboxes of this server are @${ours}`, { details: { domain: `must be ${ours}, or left out` } });
}

function refuseLocalPart(localPart: string): void {
  const fault = localPartFault(localPart);
  if (fault === undefined) return;
  const cleaned = cleanLocalPart(localPart);
  const advice = localPartFault(cleaned) === undefined ? `; "${cleaned}" would do` : '';
  throw new ShoalError('refused_value', `localPart ${fault}${advice}`, { details: { localPart: fault } });
}

/** Security S6: a display name ends in a header, so control characters and line separators are refused, not repaired. */
function refuseDisplayName(displayName: string | undefined): void {
  if (displayName === undefined) return;
  if (displayName.length > DISPLAY_NAME_CHARACTERS_MAX) throw refusedName(`must have at most ${DISPLAY_NAME_CHARACTERS_MAX} characters`);
  const fault = faultOfHeaderText(displayName); // what a mail could not be sent with is not kept
  if (fault !== undefined) throw refusedName(fault);
}

function refusedName(fault: string): ShoalError {
  return new ShoalError('refused_value', `displayName ${fault}`, { details: { displayName: fault } });
}
