import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import type { Child } from '../../../../bench/storm/child.mjs';
import { endGroup } from '../../../../bench/storm/child.mjs';
import { mailOf, noLoad, submitUntilAnswered } from '../../../../bench/storm/load.mjs';
import { apiAt, freePort, makeWorld, startShoal, type World } from '../../../../bench/storm/shoal.mjs';
import { openSink } from '../../../../bench/storm/sink.mjs';
import { pause, until } from '../../../../bench/storm/wait.mjs';
import { chooseSqliteDriver } from '../../src/adapters/_shared/sqlite-driver.ts';

const DISK_MIB = 32;
const FLOOR_MIB = 8;
const MAILS = 600;
const CALLERS = 20;
/** From room on the disk to the last delivery. */
const RECOVERY_MS_MAX = 30_000;
const FACT_MS_MAX = 60_000;
const CURE = 'no file system of a size of its own can be mounted here; run as root on Linux';

/** Mounts the data folder's file system, of a size that a test can fill. */
function mountSmallDisk(context: TestContext, world: World): string {
  const folder = join(world.dir, 'data');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    world.remove();
    context.skip(CURE);
  }
  return folder;
}

/** Takes the blocks there are, as a log file does that nobody rotates, until only so many bytes are left. */
function fillUp(path: string, leftBytes: number): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(64 * 1_024, 1);
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  try {
    while (freeBytes() > leftBytes) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

describe('full disk: tmpfs', () => {
  it.for([
    ['to the last byte', 0],
    ['to just below the floor', FLOOR_MIB - 1],
  ] as const)(
    'filled %s, refuses with 507 and loses, doubles and doubts nothing; with room again all goes on within 30 s',
    async ([, leftMib], context) => {
      const world = makeWorld('full-disk');
      const data = mountSmallDisk(context, world);
      const sink = await openSink(world.journalPath, { replyDelayMs: 50 });
      const httpPort = await freePort();
      const settings = { world, smtpPort: sink.port, concurrency: 4, leaseMs: 5_000 };
      const env = { SHOAL_DISK_FLOOR_MB: String(FLOOR_MIB), SHOAL_LOG: 'info' };
      const children: Child[] = [startShoal('serve', { ...settings, httpPort }, { env })];
      context.onTestFinished(async () => {
        await Promise.all(children.map(endGroup));
        await sink.close();
        execFileSync('umount', ['--lazy', data]); // a statement not yet collected keeps the file open
        world.remove();
      });
      const api = apiAt(httpPort);
      await api.whenReady();
      await api.open();
      children.push(startShoal('work', settings, { env }));
      await until('the ballast is there', FACT_MS_MAX, () => ballastBytes(data) >= (FLOOR_MIB / 2) * 1_048_576);

      const load = noLoad();
      let next = 1;
      const caller = async (): Promise<void> => {
        while (next <= MAILS) await submitUntilAnswered(api, mailOf(next++, 1, 'hold'), load);
      };
      const callers = Promise.all(Array.from({ length: CALLERS }, caller));
      await until('the load runs', FACT_MS_MAX, () => load.acknowledged.size > MAILS / 4);
      const filler = join(data, 'filler');
      fillUp(filler, leftMib * 1_048_576);

      let tries = 0; // each a mail of its own: one accepted in the last second before would be recognised for ever
      const refused = await until('a mail is refused', FACT_MS_MAX, async () => {
        const mail = mailOf(MAILS + ++tries, 1, 'hold');
        const answer = await api.submit(mail);
        if (answer?.status === 202) load.acknowledged.set(mail.to, { to: mail.to, id: answer.body.id, requests: 1 });
        return answer?.status === 507 ? { ...answer, mail } : undefined;
      });
      expect(refused.body).toMatchObject({
        error: 'disk_full',
        retryable: true,
        message: expect.stringContaining('disk of the database is full'),
      });
      expect(await api.ask('GET', '/ready')).toMatchObject({ status: 503, body: { problems: [expect.stringContaining('disk')] } });
      const acknowledged = load.acknowledged.size;
      await pause(1_500); // what was leased before is sent to its end
      const dots = world.journal().dots.length;
      await pause(2_000);
      expect(world.journal().dots.length, 'nothing new is leased').toBe(dots);
      expect(dots, 'a backlog waits').toBeLessThan(acknowledged);
      expect(load.acknowledged.size, 'nothing new is accepted').toBe(acknowledged);
      if (leftMib > 0) expect(ballastBytes(data), 'no write met the end of the disk').toBeGreaterThan(0);
      for (const child of children) expect(child.isAlive(), child.output()).toBe(true);

      rmSync(filler);
      const hasRoomAt = performance.now();
      await callers;
      await submitUntilAnswered(api, refused.mail, load);
      await until('all is delivered', RECOVERY_MS_MAX, () => world.journal().dots.length >= load.acknowledged.size);
      expect(performance.now() - hasRoomAt).toBeLessThan(RECOVERY_MS_MAX);
      await pause(1_000); // a second copy would come soon
      const delivered = world.journal().dots.map(({ to }) => to);
      expect(load.refused).toEqual([]);
      expect(delivered.sort()).toEqual([...load.acknowledged.keys()].sort());
      for (const { id } of load.acknowledged.values()) expect(await api.read(`/v1/emails/${id}`)).toMatchObject({ status: 'sent' });

      const logs = children.map((child) => child.output());
      for (const log of logs) {
        expect(log.match(/nothing new is accepted or sent/g), log).toHaveLength(1);
        expect(log.match(/room again/g), log).toHaveLength(1);
      }
      await Promise.all(children.map(endGroup));
      expect(integrityOf(join(data, 'shoal.db'))).toBe('ok');
    },
  );
});

function ballastBytes(folder: string): number {
  return (statSync(join(folder, 'shoal.db.ballast'), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}

function integrityOf(path: string): unknown {
  const connection = chooseSqliteDriver().open(path);
  const found = connection.prepare('PRAGMA integrity_check').get() as Record<string, unknown>;
  connection.close();
  return found['integrity_check'];
}
