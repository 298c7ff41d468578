import { expect, it } from 'vitest';
import { lonelyProcess } from './lonely-process.ts';
import { machineClock } from './machine.ts';

const SPEAKS = "process.send('alive'); setInterval(() => process.send('alive'), 100);";
const BLOCKS = 'for (;;);';

/** Runs a script as the child, and answers what the log says of its end. */
async function endOf(script: string, options: { readonly signal?: AbortSignal; readonly silenceMsMax?: number } = {}): Promise<string> {
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const apart = lonelyProcess({
    command: ['--eval', script],
    env: process.env,
    silenceMsMax: options.silenceMsMax ?? 1_500,
    drainMs: 100,
    clock: machineClock(),
    log: { debug: say, info: say, warn: say, error: say },
  });
  await apart.runOne(options.signal ?? new AbortController().signal);
  return said.join();
}

it('lets a child end by itself, however it ends', async () => {
  expect(await endOf('process.exit(0)', { silenceMsMax: 10_000 })).toMatch(/exit 0$/);
  expect(await endOf("process.kill(process.pid, 'SIGKILL')", { silenceMsMax: 10_000 })).toMatch(/SIGKILL$/);
});

it('kills a child whose event loop stands still, and tells why', async () => {
  expect(await endOf(`process.send('alive'); ${BLOCKS}`)).toMatch(/SIGKILL, killed since it said nothing for 1500 ms$/);
});

it('leaves a child alone that takes long and says that it lives', async () => {
  expect(await endOf(`${SPEAKS} setTimeout(() => process.exit(7), 3_000);`)).toMatch(/exit 7$/);
});

it('asks a child to stop, and kills one that does not', async () => {
  expect(await endOf(SPEAKS, { signal: AbortSignal.timeout(1_000) })).toMatch(/SIGTERM$/);
  const deaf = `process.on('SIGTERM', () => {}); ${SPEAKS}`;
  expect(await endOf(deaf, { signal: AbortSignal.timeout(1_000), silenceMsMax: 30_000 })).toMatch(/did not stop within 100 ms$/);
});
