// @ts-check
/**
 * What a measured worker process says to its parent: how many mails it has settled, now and then; and what it is told.
 *
 * @param {{ settled: () => number, tickMs: number, go: () => void, end: () => void }} worker
 */
export function reportTo({ settled, tickMs, go, end }) {
  let said = -1;
  setInterval(() => {
    const count = settled();
    if (count !== said) process.send?.({ settled: count });
    said = count;
  }, tickMs);
  process.on('message', (message) => {
    if (message === 'go') go();
    else if (message === 'end') end();
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}
