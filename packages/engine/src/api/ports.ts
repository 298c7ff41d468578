import type { Captured } from '../ports/captured.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Random } from '../ports/random.ts';
import type { Store } from '../ports/store.ts';
import type { Submit } from '../ports/submit.ts';

/** What the answers to callers are made from. `captured` is there when the transport keeps mail instead of sending it. */
export interface ApiPorts {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly submit: Submit;
  readonly captured?: Captured;
  readonly clock: Clock;
  readonly random: Random;
}
