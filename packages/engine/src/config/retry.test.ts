import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ShoalError } from '../model/errors.ts';
import { configOf } from './check.ts';
import { environmentOf } from './environment.ts';
import { loadConfig } from './load.ts';

function complaint(retry: unknown): string {
  try {
    configOf({ retry });
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'bad_config') return error.message;
    throw error;
  }
  return 'none';
}

it('takes settings by class, and leaves out what nobody set', () => {
  const classes = { network: { attemptsMax: 8, ceilingMs: 60_000 }, greylist: { delaysMs: [0, 60_000], giveUpMs: 3_600_000 } };
  expect(configOf({ retry: classes }).retry).toEqual({ classes });
  expect(configOf({}).retry).toEqual({ classes: {} });
});

it('takes a policy by itself or beside the classes', () => {
  const policy = () => undefined;
  expect(configOf({ retry: policy }).retry).toEqual({ classes: {}, policy });
  expect(configOf({ retry: { deferred: { giveUpMs: 1 }, policy } }).retry).toEqual({ classes: { deferred: { giveUpMs: 1 } }, policy });
});

it.each([
  [5, 'retry must be a function, or an object such as'],
  [{ netwrok: {} }, 'retry.netwrok is not an option; did you mean network?'],
  [{ permanent: {} }, 'retry.permanent is not an option; there are network, deferred, greylist'],
  [{ network: 5 }, 'retry.network must be an object such as'],
  [{ network: { atemptsMax: 5 } }, 'retry.network.atemptsMax is not an option; did you mean attemptsMax?'],
  [{ network: { attemptsMax: 0 } }, 'retry.network.attemptsMax must be a whole number from 1 to 1000, got 0'],
  [{ network: { ceilingMs: '5m' } }, 'retry.network.ceilingMs must be a whole number from 1 to 432000000, got "5m"'],
  [{ deferred: { giveUpMs: Number.NaN } }, 'retry.deferred.giveUpMs must be a whole number from 1 to 432000000, got NaN'],
  [{ deferred: { giveUpMs: 6 * 86_400_000 } }, 'retry.deferred.giveUpMs must be a whole number from 1 to 432000000, got 518400000'],
  [{ deferred: { delaysMs: [] } }, 'retry.deferred.delaysMs must be a list of 1 to 100 waits in ms'],
  [{ deferred: { delaysMs: [60_000, -1] } }, 'retry.deferred.delaysMs[1] must be a whole number from 0 to 432000000, got -1'],
  [{ policy: 'mine' }, 'retry.policy must be a function; only shoal.config.ts and .js can hold one'],
  ['{', 'retry is not JSON'],
])('says what is wrong with %j', (retry, said) => {
  expect(complaint(retry)).toContain(said);
});

it('reads a policy from shoal.config.js, and classes from the environment', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'shoal-retry-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  await writeFile(join(cwd, 'shoal.config.js'), 'export default { retry: ({ attempts }) => ({ delayMs: attempts * 1000 }) };\n');
  await writeFile(join(cwd, 'package.json'), '{ "type": "module" }\n');
  const fromFile = (await loadConfig({ env: {}, cwd })).config.retry;
  const attempt = { failure: 'network', attempts: 3, failures: {}, failingMs: 0, ageMs: 0, recipients: [] } as const;
  expect(fromFile?.policy?.(attempt)).toEqual({ delayMs: 3_000 });
  const fromEnvironment = (await loadConfig({ env: { SHOAL_RETRY: '{"deferred":{"giveUpMs":3600000}}' }, cwd: '/' })).config.retry;
  expect(fromEnvironment).toEqual({ classes: { deferred: { giveUpMs: 3_600_000 } } });
});

it('says classes to another process, but no policy, which that process reads from its own file', async () => {
  const classes = { deferred: { giveUpMs: 3_600_000 } };
  expect((await loadConfig({ env: environmentOf(configOf({ retry: classes })), cwd: '/' })).config.retry).toEqual({ classes });
  expect(environmentOf(configOf({ retry: () => undefined }))).not.toHaveProperty('SHOAL_RETRY');
});
