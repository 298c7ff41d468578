import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ShoalError } from '../model/errors.ts';
import { loadConfig, type Sources } from './load.ts';

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-config-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

async function complaint(sources: Sources): Promise<string> {
  try {
    await loadConfig({ cwd: await folderWith({}), env: {}, ...sources });
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'bad_config') return error.message;
    throw error;
  }
  return 'none';
}

it('takes a flag before the environment, the environment before the file, the file before the default', async () => {
  const cwd = await folderWith({ 'shoal.config.json': '{"concurrency": 2, "drainMs": 3, "leaseMs": 4000}' });
  const { config, written } = await loadConfig({
    cwd,
    env: { SHOAL_CONCURRENCY: '20', SHOAL_DRAIN_MS: '30', HOME: '/' },
    flags: { concurrency: '200' },
  });
  expect([config.concurrency, config.drainMs, config.leaseMs, config.retryScale]).toEqual([200, 30, 4000, 1]);
  expect([...written].sort()).toEqual(['concurrency', 'drainMs', 'leaseMs']);
});

it('reads the default export of shoal.config.js', async () => {
  const cwd = await folderWith({
    'package.json': '{"type":"module"}',
    'shoal.config.js': 'export default { domain: "agents.example.com" };',
  });
  expect((await loadConfig({ cwd, env: {} })).config.domain).toBe('agents.example.com');
});

it('makes paths absolute, from the folder it was started in', async () => {
  const cwd = await folderWith({});
  const { config } = await loadConfig({ cwd, env: { SHOAL_LEDGER: 'sqlite:jobs.db' } });
  expect(config).toMatchObject({
    dataDir: join(cwd, '.shoal'),
    ledger: `sqlite:${join(cwd, 'jobs.db')}`,
    store: `sqlite:${join(cwd, 'jobs.db')}`,
  });
});

it('says where a wrong value was written', async () => {
  const cwd = await folderWith({ 'shoal.config.json': '{"concurrency": 0}' });
  expect(await complaint({ cwd })).toBe('concurrency in shoal.config.json must be a whole number from 1 to 10000, got 0');
  expect(await complaint({ env: { SHOAL_CONCURRENCY: '' } })).toMatch(/^SHOAL_CONCURRENCY is empty/);
  expect(await complaint({ flags: { concurrency: 'x' } })).toBe('--concurrency must be a whole number from 1 to 10000, got "x"');
});

it('names the nearest variable for one that is unknown, and knows those of clients', async () => {
  expect(await complaint({ env: { SHOAL_LEGDER: 'sqlite:x' } })).toBe('SHOAL_LEGDER is not an option; did you mean SHOAL_LEDGER?');
  expect(await complaint({ env: { SHOAL_URL: 'http://127.0.0.1:1', SHOAL_TOKEN: 'x' } })).toBe('none');
});

it('says which variables are for a later version, and takes `off` for a face that is not there', async () => {
  expect(await complaint({ env: { SHOAL_BROKER: 'amqp://localhost' } })).toMatch(/^SHOAL_BROKER is not available in this version/);
  expect(await complaint({ env: { SHOAL_SMTP_IN: '127.0.0.1:7025' } })).toMatch(/^SHOAL_SMTP_IN is not available in this version/);
  expect(await complaint({ env: { SHOAL_SMTP_IN: 'off', SHOAL_SUBMISSION: 'off' } })).toBe('none');
});

it('passes over what Kubernetes sets for a service called shoal', async () => {
  const env = {
    SHOAL_SERVICE_HOST: '10.0.0.1',
    SHOAL_SERVICE_PORT_HTTP: '7070',
    SHOAL_PORT: 'tcp://10.0.0.1:7070',
    SHOAL_PORT_7070_TCP: 'tcp://10.0.0.1:7070',
    SHOAL_PORT_7070_TCP_ADDR: '10.0.0.1',
  };
  expect(await complaint({ env })).toBe('none');
  expect(await complaint({ env: { SHOAL_PORT: '7070' } })).toMatch(/^SHOAL_PORT is not an option/);
});

it('refuses two files, a broken file, and a file without an object', async () => {
  expect(await complaint({ cwd: await folderWith({ 'shoal.config.js': '', 'shoal.config.json': '{}' }) })).toBe(
    'there is more than one configuration file: shoal.config.js and shoal.config.json; keep one',
  );
  expect(await complaint({ cwd: await folderWith({ 'shoal.config.json': '{"transport":"smtp://u:c4n4ry@h' }) })).toMatch(
    /^shoal\.config\.json is not JSON[^4]*$/,
  );
  expect(await complaint({ cwd: await folderWith({ 'shoal.config.json': '[]' }) })).toBe(
    'shoal.config.json must hold one object of options',
  );
});

it('reads shoal.config.ts where Node can, and says what to do where it cannot', async () => {
  const cwd = await folderWith({ 'shoal.config.ts': 'export default { domain: "agents.example.com" as string };' });
  const answer = await complaint({ cwd });
  if (answer !== 'none')
    expect(answer).toMatch(/^shoal\.config\.ts cannot be loaded: Node \S+ does not read TypeScript \(22\.18 and newer do\)/);
});

it('refuses a password on the command line, where other users can read it (security G2)', async () => {
  expect(await complaint({ flags: { transport: 'smtp://user:c4n4ry@mail.example.com:587' } })).toBe(
    '--transport holds a password, and other users of this machine can read command lines; set SHOAL_TRANSPORT or shoal.config instead',
  );
  expect(await complaint({ flags: { transport: 'smtp://127.0.0.1:2525' } })).toBe('none');
});
