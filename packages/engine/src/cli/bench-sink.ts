import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface BenchSink {
  readonly port: number;
  /** Mails taken so far. */
  readonly taken: () => number;
  /** Called at each final dot, before its reply. */
  onMail: (to: string) => void;
  close(): void;
}

/** Takes every mail at once and keeps none: what is measured is the sender, not this. */
export async function openBenchSink({ replyDelayMs = 0 }: { readonly replyDelayMs?: number } = {}): Promise<BenchSink> {
  let taken = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
    socket.write('220 bench ESMTP\r\n');
    converse(socket, replyDelayMs, (to) => {
      taken += 1;
      sink.onMail(to);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sink: BenchSink = {
    port: (server.address() as AddressInfo).port,
    taken: () => taken,
    onMail: () => {},
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return sink;
}

const DOT = '\r\n.\r\n';

function converse(socket: Socket, replyDelayMs: number, took: (to: string) => void): void {
  let held = '';
  let to = '';
  let isBody = false;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    held += chunk;
    for (;;) {
      const end = held.indexOf(isBody ? DOT : '\r\n');
      if (end < 0) return;
      const line = isBody ? '.' : held.slice(0, end);
      held = held.slice(end + (isBody ? DOT.length : 2));
      if (isBody) took(to);
      to = /^RCPT TO:<([^>]*)>/i.exec(line)?.[1] ?? to;
      const isDot = isBody;
      isBody = !isBody && /^DATA$/i.test(line);
      const answer = isBody ? '354 go\r\n' : answerTo(line);
      if (isDot && replyDelayMs > 0) setTimeout(() => socket.write(answer), replyDelayMs);
      else socket.write(answer);
      if (/^QUIT$/i.test(line)) socket.end();
    }
  });
}

function answerTo(line: string): string {
  if (/^EHLO /i.test(line)) return '250-bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 35882577\r\n';
  return /^QUIT$/i.test(line) ? '221 bye\r\n' : '250 ok\r\n';
}
