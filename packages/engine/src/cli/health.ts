import { createServer } from 'node:http';
import { ShoalError } from '../model/errors.ts';
import type { HostPort } from '../config/schema.ts';

export interface HealthServer {
  readonly url: string;
  close(): void;
}

/** `/health` of a process that only works: it lives. A supervisor needs no more, and the API is the server's. */
export function listenForHealth(place: HostPort): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const isHealth = request.method === 'GET' && request.url === '/health';
    response.writeHead(isHealth ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(
      JSON.stringify(isHealth ? { status: 'healthy', role: 'worker' } : { error: 'not_found', message: 'a worker answers /health only' }),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new ShoalError('bad_config', `cannot listen on ${place.host}:${place.port}: ${cause.message}`, { cause })),
    );
    server.listen(place.port, place.host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : place.port;
      resolve({ url: `http://${place.host.includes(':') ? `[${place.host}]` : place.host}:${port}`, close: () => void server.close() });
    });
  });
}
