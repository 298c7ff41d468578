import { createHmac } from 'node:crypto';
import { senderScope } from '../model/scope.ts';
import type { Sender } from '../model/sender.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Standing } from '../ports/ledger-scopes.ts';
import type { Log } from '../ports/log.ts';
import type { Transport } from '../ports/transport.ts';
import { batches } from './roster-ledger.ts';

/**
 * A login that failed is held and not tried again, or the account gets locked. With another one the hold is over, and nobody
 * has to resume it.
 */
export interface Logins {
  /** A transport that says which login it has. */
  named(transport: Transport, url: string): Transport;
  /** Lifts the holds of logins that these senders no longer have. `isMended`: it can be opened, or leads elsewhere, anew. */
  liftHealed(senders: readonly Sender[], standings: readonly Standing[], isMended: (sender: Sender) => boolean): Promise<void>;
}

/**
 * Of one login of a configured sender. An attempt that was under way with the old one may fail late and hold the sender
 * again; but a process of the fleet that still has the old configuration would go on failing for ever.
 */
const LIFTS_OF_ONE_LOGIN_MAX = 3;

export function createLogins(parts: {
  /** Of this installation. */
  readonly secret: Uint8Array;
  readonly ledger: Pick<Ledger, 'lift'>;
  readonly log: Log;
}): Logins {
  const { secret, ledger, log } = parts;
  const lifts = new Map<string, number>();

  /** The store gives the whole fleet its new login within seconds; a configuration gives it to one process. */
  function mayTryAgain({ id, origin }: Sender, failed: string): boolean {
    if (origin === 'api') return true;
    const name = `${id} ${failed}`;
    const count = lifts.get(name) ?? 0;
    lifts.set(name, count + 1);
    return count < LIFTS_OF_ONE_LOGIN_MAX;
  }

  return {
    named: (transport, url) => ({
      capabilities: { ...transport.capabilities, login: loginOf(secret, url) },
      send: (parcel, commit, signal) => transport.send(parcel, commit, signal),
      close: () => transport.close(),
    }),
    async liftHealed(senders, standings, isMended) {
      const healed = senders.filter((sender, index) => {
        const hold = standings[index]?.holds.find(({ why }) => why === 'account');
        if (hold === undefined) return false;
        // Without a login it came no further than opening the transport.
        if (hold.login === undefined) return isMended(sender);
        return hold.login !== loginOf(secret, sender.transport) && mayTryAgain(sender, hold.login);
      });
      for (const some of batches(healed)) await ledger.lift(some.map(({ id }) => ({ scope: senderScope(id), why: 'account' })));
      for (const { id } of healed) log.info(`sender ${id} logs in with something else now: it goes on`);
    },
  };
}

/** All of the URL but what says nothing about who logs in, where and how. Keyed, so that nobody can try passwords against it. */
function loginOf(secret: Uint8Array, url: string): string {
  const at = url.includes('?') ? url.indexOf('?') : url.length;
  const options = url.slice(at + 1).split('&');
  const kept = options.filter((option) => option !== '' && !/^(?:connections|idle|messages)=/.test(option)).sort();
  const text = `${url.slice(0, at)} ${kept.join('&')}`;
  return createHmac('sha256', secret).update(text).digest('hex').slice(0, 32);
}
