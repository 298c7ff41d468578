import { loadConfig } from '../config/load.ts';
import { makeDataFolder } from './data-folder.ts';
import { HEARTBEATS_PER_LEASE } from '../model/limits.ts';
import { EXIT } from './exit.ts';
import { counted } from './print.ts';
import type { EngineFlags, OpenEngine } from './serve.ts';
import type { Terminal } from './terminal.ts';
import { stopRequests, untilStopped } from './until-stopped.ts';

interface How {
  readonly json: boolean;
  readonly open: OpenEngine;
}

/** A worker alone, any number of them on one ledger, until it is asked to stop. */
export async function work(terminal: Terminal, flags: EngineFlags, how: How): Promise<number> {
  const { config, written } = await loadConfig({ flags, env: terminal.env, cwd: terminal.cwd });
  await makeDataFolder(config.dataDir);
  // The default address belongs to `shoal serve`; a worker listens only where it was told to.
  const operations = written.has('http') && config.http !== 'off';
  const engine = await how.open(operations ? config : { ...config, http: 'off' }, { roles: { http: false, operations, worker: true } });
  const asked = stopRequests(terminal);
  try {
    await engine.start();
  } catch (error) {
    asked.close();
    await engine.close();
    throw error;
  }
  const { url } = engine;
  if (how.json) terminal.printJson({ worker: true, concurrency: config.concurrency, facts: engine.facts, health: url ?? null });
  else
    terminal.say(
      [
        `shoal  worker, ${counted(config.concurrency, 'send')} at once`,
        ...(url === undefined ? [] : [`health: ${url}/health, metrics: ${url}/metrics`]),
        ...engine.facts,
        'ready',
      ].join('\n'),
    );
  return untilStopped(terminal, engine, asked);
}

/** One job that was set apart, then the end; the process that started this one lives on whatever becomes of it. */
export async function workApartOnce(terminal: Terminal, flags: EngineFlags, open: OpenEngine): Promise<number> {
  const { config } = await loadConfig({ flags, env: terminal.env, cwd: terminal.cwd });
  const engine = await open(config, { roles: { http: false, worker: true } });
  let unheard = (): void => {};
  const stopped = new Promise<number>((resolve) => {
    unheard = terminal.onStop(() => resolve(engine.drain().then(() => EXIT.ok)));
  });
  const broken = engine.broken.then(() => EXIT.failed); // the log has said why
  const silence = sayThatWeLive(config.leaseMs / HEARTBEATS_PER_LEASE);
  try {
    const sent = engine.runApart().then(() => EXIT.ok);
    return await Promise.race([sent, stopped, broken]); // a reply may take minutes more than there is time to drain
  } finally {
    silence();
    unheard();
    await engine.close();
  }
}

/** For the parent, which kills a child whose event loop stands still; a parent that is gone hears nothing, and that is no fault. */
function sayThatWeLive(everyMs: number): () => void {
  const speak = (): void => void (process.connected && process.send?.('alive', () => {}));
  speak();
  const timer = setInterval(speak, everyMs);
  return () => clearInterval(timer);
}
