import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { endGroup } from '../../../../bench/storm/child.mjs';
import { mailOf } from '../../../../bench/storm/load.mjs';
import { apiAt, freePort, makeWorld, startShoal } from '../../../../bench/storm/shoal.mjs';
import { until } from '../../../../bench/storm/wait.mjs';
import { chooseSqliteDriver } from '../../src/adapters/_shared/sqlite-driver.ts';

const FACT_MS_MAX = 60_000;

it.each(['serve', 'work'] as const)(
  'ends `shoal %s` with one clear line and a code other than 0 when its database breaks',
  async (command) => {
    const world = makeWorld('broken');
    const httpPort = await freePort();
    const settings = { world, smtpPort: 9, httpPort };
    const child = startShoal(command, settings);
    onTestFinished(async () => {
      await endGroup(child);
      world.remove();
    });
    await until('it runs', FACT_MS_MAX, () => child.saysReady());

    destroy(world.ledger.slice('sqlite:'.length));
    if (command === 'serve') await apiAt(httpPort).submit(mailOf(1, 1, 'hold'));
    await until('the process ends by itself', FACT_MS_MAX, () => !child.isAlive());
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.output()).toMatch(/^error: .*shoal\.db failed \(.+\) and cannot be trusted; restart to recover from disk$/m);
  },
);

/** As a disk does that answers with other bytes: everything is first brought into the main file, so that it is read from there. */
function destroy(path: string): void {
  const other = chooseSqliteDriver().open(path);
  other.exec('PRAGMA busy_timeout = 10000; CREATE TABLE noticed (n INTEGER); PRAGMA wal_checkpoint(TRUNCATE)');
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(statSync(path).size, 0xa5), 0, undefined, 0);
  closeSync(file);
  other.close();
}
