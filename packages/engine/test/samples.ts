import { inboxId, jobId, laneId, messageId, senderId, tenantId } from '../src/model/ids.ts';
import type { Inbox } from '../src/model/inbox.ts';
import type { Lease } from '../src/ports/ledger.ts';

/** Nouns for tests to which most of their fields do not matter. */
export const SAMPLE_INBOX: Inbox = {
  id: inboxId(`ibx_${'0'.repeat(26)}`),
  tenant: tenantId(`acct_${'0'.repeat(26)}`),
  localPart: 'agent',
  domain: 'agents.example',
  sender: senderId('default'),
  isActive: true,
  createdAt: 0,
};

export const SAMPLE_LEASE: Lease = {
  jobId: jobId(`job_05${'0'.repeat(24)}`),
  token: 3,
  kind: 'send',
  tenant: SAMPLE_INBOX.tenant,
  sender: SAMPLE_INBOX.sender,
  lane: laneId(SAMPLE_INBOX.id),
  messageId: messageId(`eml_${'0'.repeat(26)}`),
  envelope: { from: 'agent@agents.example', to: ['a@x.example'], smtpUtf8: false, eightBit: false },
  payload: new Uint8Array(),
  leaseMs: 60_000,
  onDoubt: 'hold',
  attempts: 0,
  failures: {},
  resends: 0,
  crashes: 0,
  busyReleases: 0,
  ageMs: 0,
  failingMs: 0,
};
