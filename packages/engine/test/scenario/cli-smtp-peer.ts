import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const TLS = new URL('../fixtures/tls/', import.meta.url);

export interface Peer {
  readonly port: number;
  /** Commands it was given, in order. */
  readonly heard: readonly string[];
  close(): void;
}

/** A mail server that answers by table: enough for a look at it, and it takes no mail. */
export async function smtpPeer(plan: {
  readonly offers?: readonly string[];
  readonly auth?: string;
  /** Key and certificate of the fixtures; absent: STARTTLS is not understood. */
  readonly tls?: { readonly key: string; readonly cert: string };
}): Promise<Peer> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const { offers = [], auth = '535 5.7.8 wrong', tls } = plan;
  const converse = (socket: Socket): void => {
    socket.on('error', () => {});
    const listen = (chunk: Buffer): void => {
      for (const line of chunk.toString('latin1').split('\r\n').filter(Boolean)) {
        heard.push(line);
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'EHLO')
          socket.write(['peer', ...offers].map((text, at) => `250${at < offers.length ? '-' : ' '}${text}\r\n`).join(''));
        else if (verb === 'AUTH') socket.write(`${auth}\r\n`);
        else if (verb === 'QUIT') socket.end('221 bye\r\n');
        else if (verb === 'STAR' && tls !== undefined) {
          socket.off('data', listen);
          socket.write('220 go\r\n');
          const options = { key: readFileSync(new URL(tls.key, TLS)), cert: readFileSync(new URL(tls.cert, TLS)) };
          converse(new TLSSocket(socket, { isServer: true, ...options }));
        } else socket.write('502 no\r\n');
      }
    };
    socket.on('data', listen);
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    converse(socket);
    socket.write('220 peer ESMTP\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
