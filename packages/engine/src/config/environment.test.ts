import { expect, it } from 'vitest';
import { configOf } from './check.ts';
import { environmentOf } from './environment.ts';
import { loadConfig } from './load.ts';

it('says a configuration to another process so that it reads the same one', async () => {
  const config = configOf({
    ledger: 'sqlite:/tmp/shoal/a.db',
    dataDir: '/tmp/shoal',
    transport: 'smtps://user:p%40ss@smtp.example.com:465',
    http: '[::1]:8080',
    publicHosts: ['mail.example.com', 'shoal.internal'],
    retryScale: 0.01,
  });
  expect((await loadConfig({ env: environmentOf(config), cwd: '/' })).config).toEqual(config);
});

it('says that there are no names, since an empty value is refused', async () => {
  const config = configOf({ ledger: 'sqlite:/tmp/shoal/a.db', dataDir: '/tmp/shoal' });
  expect((await loadConfig({ env: environmentOf(config), cwd: '/' })).config).toEqual(config);
});
