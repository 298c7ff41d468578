import type { Report } from '../../model/reply.ts';

/**
 * The connections of one simulated client. A parcel that finds all of them in use waits for one, and so follows the parcel
 * that used it: what cuts the line under that one cuts it under its follower, to whom nothing was said yet.
 */
export interface Lines {
  carry(send: () => Promise<Report>, signal: AbortSignal): Promise<Report>;
}

type Turn = 'has-line' | 'cut' | 'aborted';
const FACTS = { peer: 'simulated:25', tls: 'none', isReused: true, durationMs: 0 };

export function createLines(count: number): Lines {
  let free = count;
  const waiting: ((turn: Turn) => void)[] = [];

  function waitForTurn(signal: AbortSignal): Promise<Turn> {
    if (signal.aborted) return Promise.resolve('aborted');
    if (free > 0) {
      free -= 1;
      return Promise.resolve('has-line');
    }
    return new Promise((resolve) => {
      waiting.push(resolve);
      signal.addEventListener('abort', () => {
        const at = waiting.indexOf(resolve);
        if (at >= 0) waiting.splice(at, 1);
        resolve('aborted');
      });
    });
  }

  function passOn(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next('has-line');
  }

  return {
    async carry(send, signal) {
      const turn = await waitForTurn(signal);
      if (turn === 'aborted') return { kind: 'aborted', phase: 'mail', facts: FACTS };
      if (turn === 'cut') return { kind: 'failed', phase: 'mail', cause: 'cut', detail: 'simulated', facts: FACTS };
      const report = await send();
      if (report.kind === 'unknown') waiting.shift()?.('cut');
      passOn();
      return report;
    },
  };
}
