import type { SenderId } from '../model/ids.ts';
import { openedTransport, type Sender } from '../model/sender.ts';
import type { Log } from '../ports/log.ts';
import type { Transport } from '../ports/transport.ts';

/**
 * The transport of each sender: opened when its first mail goes, and again when its URL changed. The old one ends after
 * the sends it has under way, since `Transport.close` promises that.
 */
export interface Transports {
  of(sender: Sender): Promise<Transport>;
  /** Ends those of senders that are gone or changed. */
  keepOnly(senders: readonly Sender[]): void;
  close(): Promise<void>;
}

interface Opened {
  /** Where it goes, and by whose wish. */
  readonly way: string;
  readonly transport: Promise<Transport>;
}

export function createTransports(parts: { readonly open: (sender: Sender) => Promise<Transport>; readonly log: Log }): Transports {
  const opened = new Map<SenderId, Opened>();
  const ending = new Set<Promise<void>>();

  function end(id: SenderId, { transport }: Opened): void {
    opened.delete(id);
    const ended: Promise<void> = transport
      .then((old) => old.close())
      .catch((cause: unknown) => parts.log.debug('a transport could not be closed', { sender: id, cause }))
      .finally(() => ending.delete(ended));
    ending.add(ended);
  }

  return {
    of(sender) {
      const way = wayOf(sender);
      const before = opened.get(sender.id);
      if (before?.way === way) return before.transport;
      if (before !== undefined) end(sender.id, before);
      const entry: Opened = { way, transport: parts.open(sender) };
      opened.set(sender.id, entry);
      // One that could not be opened is tried anew by the next mail: a missing file may be there by then.
      entry.transport.catch(() => {
        if (opened.get(sender.id) === entry) opened.delete(sender.id);
      });
      return entry.transport;
    },
    keepOnly(senders) {
      const ways = new Map(senders.map((sender) => [sender.id, wayOf(sender)]));
      for (const [id, entry] of opened) if (ways.get(id) !== entry.way) end(id, entry);
    },
    async close() {
      for (const [id, entry] of opened) end(id, entry);
      await Promise.all(ending);
    },
  };
}

function wayOf(sender: Sender): string {
  return `${sender.origin} ${openedTransport(sender)}`;
}
