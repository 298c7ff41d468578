import type { Engine } from '../engine.ts';
import type { ShoalError } from '../model/errors.ts';
import { EXIT } from './exit.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs until the process is asked to stop, then drains: no new work, what has no commit is given back, and what may be on
 * the wire gets its time. Asked a second time it ends at once; what was under way then is for the leases to sort out. It
 * ends by itself, as failed, when its database cannot be trusted any more: whoever keeps it running starts it again.
 */
export async function untilStopped(terminal: Terminal, engine: Engine, asked: StopRequests): Promise<number> {
  const broken = engine.broken.then((error) => complainedOf(terminal, error));
  const isBroken = await Promise.race([asked.first.then(() => false), broken.then(() => true)]);
  if (isBroken) return broken;
  terminal.complain('stopping: finishing what is under way; a second signal ends at once');
  const drained = drainAndClose(terminal, engine);
  drained.catch(() => {}); // when the second signal wins the race nobody is left to hear of this one
  const end = await Promise.race([drained, broken, asked.second.then(() => EXIT.failed)]);
  asked.close();
  return end;
}

function complainedOf(terminal: Terminal, error: ShoalError): number {
  terminal.complain(`error: ${error.message}`);
  return EXIT.failed;
}

async function drainAndClose(terminal: Terminal, engine: Engine): Promise<number> {
  const { released, finished, left } = await engine.drain();
  await engine.close();
  const rest = left === 0 ? '' : `, ${left} unfinished: in doubt if already committed, else sent by another worker`;
  terminal.complain(`stopped: ${finished} finished, ${released} given back${rest}`);
  return EXIT.ok;
}

interface StopRequests {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
  close(): void;
}

/** Heard from before the engine starts: it may be asked to stop as soon as anybody can see that it runs. */
export function stopRequests(terminal: Terminal): StopRequests {
  const heard: (() => void)[] = [];
  const [first, second] = [0, 1].map(() => new Promise<void>((resolve) => heard.push(resolve)));
  let count = 0;
  const close = terminal.onStop(() => heard[count++]?.());
  return { first: first ?? Promise.resolve(), second: second ?? Promise.resolve(), close };
}
