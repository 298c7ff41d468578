// @ts-check
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../shoal.mjs';
import { until } from '../wait.mjs';

/**
 * A Redis for the control: the one of TEST_REDIS_URL (its database 0 is emptied), or a redis-server from PATH on a
 * loopback port in the run's folder. Answers undefined when there is neither.
 *
 * @param {string} dir
 * @returns {Promise<{ url: string, close: () => Promise<void> } | undefined>}
 */
export async function openRedis(dir) {
  const given = process.env['TEST_REDIS_URL'];
  if (given !== undefined && given !== '') {
    await whenUp(given);
    return { url: given, close: async () => undefined };
  }
  const program = onPath('redis-server');
  if (program === undefined) return undefined;
  const port = await freePort();
  const server = spawn(program, ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  process.once('exit', () => server.kill('SIGKILL'));
  const url = `redis://127.0.0.1:${port}`;
  await whenUp(url);
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.once('exit', () => resolve());
        server.kill('SIGTERM');
      }),
  };
}

export const NO_REDIS =
  'control (BullMQ and SET NX): NOT RUN (no redis-server on PATH and no TEST_REDIS_URL; apt-get install -y redis-server)';

/** @param {string} url */
async function whenUp(url) {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => 50 });
  redis.on('error', () => undefined); // not up yet
  await until(`${url} answers PING`, 10_000, () => redis.ping().then((pong) => pong === 'PONG'));
  redis.disconnect();
}

/** @param {string} name */
function onPath(name) {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}
