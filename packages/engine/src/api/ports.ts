import type { Captured } from '../ports/captured.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { OperationStore } from '../ports/operation-store.ts';
import type { Random } from '../ports/random.ts';
import type { SenderStore } from '../ports/sender-store.ts';
import type { Store } from '../ports/store.ts';
import type { Submit } from '../ports/submit.ts';
import type { Vault } from '../ports/vault.ts';
import type { Roster } from '../send/roster.ts';

/** What the answers to callers are made from. `captured` is there when the transport keeps mail instead of sending it. */
export interface ApiPorts {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly submit: Submit;
  readonly captured?: Captured;
  readonly senderStore: SenderStore;
  readonly operations: OperationStore;
  readonly roster: Roster;
  readonly vault: Vault;
  /** Refuses a transport that could not be opened, or must not be connected to. @throws ShoalError `bad_config` */
  readonly checkTransport: (url: string) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
}
