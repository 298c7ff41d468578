import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { ShoalError } from '../model/errors.ts';
import type { Log } from '../ports/log.ts';
import type { App } from './app.ts';

/** Clients that found a full queue of connections do not come back by themselves, so it is a long one. */
const BACKLOG = 2_048;
/** Clients keep connections for 30 s or less; ours must not be the one that closes first. */
const KEEP_ALIVE_MS = 65_000;
/** While closing, a connection that is silent for this long is cut. */
const SILENCE_MS_MAX = 5_000;

export interface Listening {
  /** Such as `http://127.0.0.1:7070`. */
  readonly url: string;
  /** Takes no new connections, answers what is under way, then closes. */
  close(): Promise<void>;
}

/** @throws ShoalError `bad_config` when the port or address cannot be had */
export async function listen(app: App, options: { readonly host: string; readonly port: number; readonly log: Log }): Promise<Listening> {
  const server = createAdaptorServer({
    fetch: (request, env) => app.fetch(request, { remoteAddress: env.incoming.socket.remoteAddress ?? 'gone' }),
    // The globals of the program we are part of stay its own.
    overrideGlobalObjects: false,
  }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const connections = connectionsOf(server);
  await bind(server, options);
  options.log.debug('http listens', { host: options.host, port: portOf(server) });

  return {
    url: `http://${reachable(options.host)}:${portOf(server)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        connections.endAll();
      }),
  };
}

/** What is open on a server, so that closing need not wait for clients that keep their connections for later. */
function connectionsOf(server: Server): { endAll(): void } {
  const sockets = new Set<Socket>();
  const responses = new Set<ServerResponse>();
  let isEnding = false;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.prependListener('request', (_, response) => {
    response.shouldKeepAlive &&= !isEnding;
    responses.add(response);
    response.once('close', () => responses.delete(response));
  });
  return {
    endAll() {
      isEnding = true;
      for (const response of responses) response.shouldKeepAlive = false; // says `Connection: close`, and means it
      for (const socket of sockets) socket.setTimeout(SILENCE_MS_MAX, () => socket.destroy());
    },
  };
}

function bind(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)));
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number): ShoalError {
  const reason = (() => {
    switch (cause.code) {
      case 'EADDRINUSE':
        return 'another program listens there. Stop it, or choose another port';
      case 'EACCES':
        return 'this user may not listen there. Ports below 1024 need a right of their own: choose a higher one';
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        return 'this machine has no such address. Use 127.0.0.1, or 0.0.0.0 for all of its addresses';
      default:
        return `${cause.message}. Choose another address`;
    }
  })();
  return new ShoalError('bad_config', `cannot listen on ${host}:${port}: ${reason} (SHOAL_HTTP=HOST:PORT)`, { cause });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** `0.0.0.0` and `::` mean every address, and are none that a client could use. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
