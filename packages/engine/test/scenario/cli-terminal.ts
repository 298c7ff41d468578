import type { Terminal } from '../../src/cli/terminal.ts';

export interface WatchedTerminal extends Terminal {
  readonly printed: () => string;
  readonly complained: () => string;
  /** As if the process had been sent SIGTERM. */
  stop(): void;
  /** Resolves once standard output holds this text; fails after ten seconds and says what it holds instead. */
  saw(text: string): Promise<void>;
}

/** A terminal that keeps what a command writes to it. */
export function watchedTerminal(
  given: Partial<Pick<Terminal, 'env' | 'cwd' | 'isInteractive' | 'columns' | 'input' | 'ask'>> = {},
): WatchedTerminal {
  const [out, err]: [string[], string[]] = [[], []];
  const stops = new Set<() => void>();
  const watchers = new Set<() => void>();
  const write = (text: string): void => {
    out.push(text);
    for (const look of watchers) look();
  };
  return {
    env: {},
    cwd: '/',
    isInteractive: true,
    hasColor: false,
    columns: 80,
    input: async () => '',
    ask: undefined,
    ...given,
    print: (text) => write(`${text}\n`),
    printJson: (value) => write(`${JSON.stringify(value)}\n`),
    say: (text) => write(`${text}\n`),
    progress: () => {},
    openScreen: undefined,
    onKey: () => () => {},
    printBytes: (bytes) => write(new TextDecoder().decode(bytes)),
    complain: (text) => void err.push(`${text}\n`),
    onStop(act) {
      stops.add(act);
      return () => stops.delete(act);
    },
    printed: () => out.join(''),
    complained: () => err.join(''),
    stop() {
      for (const act of stops) act();
    },
    saw(text) {
      return new Promise((resolve, reject) => {
        const tooLate = setTimeout(
          () => reject(new Error(`waited for ${JSON.stringify(text)}, saw ${JSON.stringify(out.join('') + err.join(''))}`)),
          10_000,
        );
        const look = (): void => {
          if (!out.join('').includes(text)) return;
          clearTimeout(tooLate);
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      });
    },
  };
}
