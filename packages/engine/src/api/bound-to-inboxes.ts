import { type InboxId, type LaneId, laneId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import type { Job } from '../model/job.ts';
import type { Message } from '../model/message.ts';
import type { ApiPorts } from './ports.ts';

/**
 * The ports as a token sees them that is bound to some inboxes: any other inbox of its account, and its mail, look like
 * missing ones. Bound here, at the one door to both, no function of the api can forget it.
 */
export function boundToInboxes<Ports extends Pick<ApiPorts, 'store' | 'ledger'>>(
  ports: Ports,
  inboxes: readonly InboxId[] | undefined,
): Ports {
  if (inboxes === undefined) return ports;
  const reaches = (id: string): boolean => inboxes.some((inbox) => inbox === id);
  const inbox = (found: Inbox | undefined): Inbox | undefined => (found !== undefined && reaches(found.id) ? found : undefined);
  const message = (found: Message | undefined): Message | undefined => (found !== undefined && reaches(found.inbox) ? found : undefined);
  const job = (found: Job | undefined): Job | undefined => (found !== undefined && reaches(found.lane) ? found : undefined);
  const { store, ledger } = ports;
  return {
    ...ports,
    store: {
      ...store,
      getInbox: async (tenant, id) => inbox(await store.getInbox(tenant, id)),
      findInbox: async (tenant, address) => inbox(await store.findInbox(tenant, address)),
      findAnyInbox: async (reference) => inbox(await store.findAnyInbox(reference)),
      listInboxes: (query) => store.listInboxes({ ...query, inboxes }),
      getMessage: async (tenant, id) => message(await store.getMessage(tenant, id)),
      getMessages: async (tenant, ids) => (await store.getMessages(tenant, ids)).map(message),
      listMessages: (query) => store.listMessages({ ...query, inboxes: within(inboxes, query.inboxes) }),
    },
    ledger: {
      ...ledger,
      get: async (ids) => (await ledger.get(ids)).map(job),
      list: (query) => ledger.list({ ...query, lanes: lanesWithin(inboxes, query.lanes) }),
      deadGroups: (query) => ledger.deadGroups({ ...query, lanes: lanesWithin(inboxes, query.lanes) }),
    },
  };
}

/** What was asked for, as far as it may be looked at. */
function within(bound: readonly InboxId[], asked: readonly string[] | undefined): readonly InboxId[] {
  return asked === undefined ? bound : bound.filter((id) => asked.includes(id));
}

/** The lane of an inbox has its name. */
function lanesWithin(bound: readonly InboxId[], asked: readonly LaneId[] | undefined): readonly LaneId[] {
  return within(bound, asked).map((id) => laneId(id));
}
