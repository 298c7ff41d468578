import type { Report } from '../../../model/reply.ts';
import type { Parcel } from '../../../ports/transport.ts';
import { AbortWatch } from './abort-watch.ts';
import { Connection, type ConnectionHost, type ConnectionPlan } from './connection.ts';
import { bodyOf } from './data.ts';
import { envelopeFault, Transaction } from './transaction.ts';

/**
 * The connections of one sender to its next hop. They grow with demand up to `connectionsMax`; the one used last is used
 * first, so that the others may rest, and quit. It never tries a parcel twice: one that fails on a reused connection says
 * so in its facts, and `send/` decides.
 */
export class SmtpPool implements ConnectionHost {
  readonly #plan: ConnectionPlan;
  readonly #aborts = new AbortWatch<Transaction>((transaction) => transaction.abort());
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  /** First come, first served; as long as the sends under way at most. */
  readonly #waiting: Transaction[] = [];
  #isClosing = false;
  #whenClosed: (() => void)[] = [];

  constructor(plan: ConnectionPlan) {
    this.#plan = plan;
  }

  send(parcel: Parcel, commit: () => Promise<boolean>, signal: AbortSignal): Promise<Report> {
    const { clock, settings } = this.#plan;
    const body = bodyOf(parcel.payload);
    const transaction = new Transaction({
      parcel,
      body: body.kind === 'ready' ? body.bytes : parcel.payload,
      commit,
      peer: settings.peer,
      startedAt: clock.now(),
      now: () => clock.now(),
      ended: (ended) => this.#aborts.remove(signal, ended),
    });
    const fault = envelopeFault(parcel.envelope) ?? (body.kind === 'malformed' ? body.detail : undefined);
    if (fault !== undefined) transaction.fail('unsendable', fault);
    else if (signal.aborted) transaction.abort();
    else if (this.#isClosing) transaction.fail('refused', 'the transport is closed');
    else {
      this.#aborts.add(signal, transaction);
      this.#place(transaction);
    }
    return transaction.report;
  }

  close(): Promise<void> {
    this.#isClosing = true;
    for (const connection of this.#idle.splice(0)) connection.quit();
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenClosed.push(resolve));
  }

  takeWaiting(): Transaction | undefined {
    return this.#waiting.shift();
  }

  becameFree(connection: Connection): void {
    const next = connection.canCarryMore ? this.#waiting.shift() : undefined;
    if (next !== undefined) connection.carry(next);
    else if (this.#isClosing || !connection.canCarryMore)
      connection.quit(); // its place under the cap is free once it is closed
    else {
      this.#idle.push(connection);
      connection.rest();
    }
  }

  closed(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    const next = this.#waiting.shift();
    if (next !== undefined) this.#place(next);
    if (this.#open.size === 0) for (const resolve of this.#whenClosed.splice(0)) resolve();
  }

  #place(transaction: Transaction): void {
    const idle = this.#takeIdle();
    if (idle !== undefined) idle.carry(transaction);
    else if (this.#open.size < (this.#plan.settings.connectionsMax ?? Number.POSITIVE_INFINITY))
      this.#open.add(new Connection(this.#plan, this, transaction));
    else {
      transaction.whenAborted = () => this.#forget(transaction);
      this.#waiting.push(transaction);
    }
  }

  #takeIdle(): Connection | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.canCarryMore) return idle;
      idle.quit();
    }
    return undefined;
  }

  #forget(transaction: Transaction): void {
    const at = this.#waiting.indexOf(transaction);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
