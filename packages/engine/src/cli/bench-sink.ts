import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What happens at the sink, connection by connection; each is told as it is seen. */
export interface SinkEvents {
  readonly recipient?: (to: string, connection: number) => void;
  /** At each final dot, before its reply. */
  readonly dot?: (to: string, connection: number) => void;
  /** A connection ended without QUIT. */
  readonly lost?: (connection: number) => void;
}

export interface BenchSink {
  readonly port: number;
  /** Mails taken so far. */
  readonly taken: () => number;
  /** Who is told; a new one takes the place of the last. */
  events: SinkEvents;
  close(): void;
}

/** Takes every mail at once and keeps none: what is measured is the sender, not this. */
export async function openBenchSink({
  dataDelayMs = 0,
  replyDelayMs = 0,
}: {
  /** Before it takes a body. */
  readonly dataDelayMs?: number;
  /** Between a final dot and its reply. */
  readonly replyDelayMs?: number;
} = {}): Promise<BenchSink> {
  let taken = 0;
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    const connection = connections;
    let hasQuit = false;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket
      .on('error', () => {})
      .once('close', () => {
        sockets.delete(socket);
        if (!hasQuit) sink.events.lost?.(connection);
      });
    socket.write('220 bench ESMTP\r\n');
    converse(socket, { dataDelayMs, replyDelayMs }, (line, to) => {
      if (line === '.') {
        taken += 1;
        sink.events.dot?.(to, connection);
      } else if (/^RCPT /i.test(line)) sink.events.recipient?.(to, connection);
      else if (/^QUIT$/i.test(line)) hasQuit = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sink: BenchSink = {
    port: (server.address() as AddressInfo).port,
    taken: () => taken,
    events: {},
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return sink;
}

const DOT = '\r\n.\r\n';

/** Tells each line with the recipient it belongs to; a whole body is the one line `.`. */
function converse(
  socket: Socket,
  delays: { readonly dataDelayMs: number; readonly replyDelayMs: number },
  heard: (line: string, to: string) => void,
): void {
  let held = '';
  let to = '';
  let isBody = false;
  let underWay: Promise<void> | undefined;
  /** In the order of the commands, whatever each has to wait: a client may send the next mail behind a dot (RFC 2920). */
  const say = (answer: string, delayMs: number, isLast: boolean): void => {
    const write = (): void => void (isLast ? socket.end(answer) : socket.write(answer));
    if (underWay === undefined && delayMs === 0) {
      write();
      return;
    }
    const mine = (underWay ?? Promise.resolve())
      .then(() => sleep(delayMs))
      .then(() => {
        write();
        if (underWay === mine) underWay = undefined;
      });
    underWay = mine;
  };
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    held += chunk;
    for (;;) {
      const end = held.indexOf(isBody ? DOT : '\r\n');
      if (end < 0) return;
      const line = isBody ? '.' : held.slice(0, end);
      held = held.slice(end + (isBody ? DOT.length : 2));
      to = /^RCPT TO:<([^>]*)>/i.exec(line)?.[1] ?? to;
      heard(line, to);
      const isDot = isBody;
      isBody = !isBody && /^DATA$/i.test(line);
      const answer = isBody ? '354 go\r\n' : answerTo(line);
      const delayMs = isDot ? delays.replyDelayMs : isBody ? delays.dataDelayMs : 0;
      say(answer, delayMs, /^QUIT$/i.test(line));
    }
  });
}

function answerTo(line: string): string {
  if (/^EHLO /i.test(line)) return '250-bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 35882577\r\n';
  return /^QUIT$/i.test(line) ? '221 bye\r\n' : '250 ok\r\n';
}
