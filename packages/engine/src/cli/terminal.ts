import { createColors } from 'picocolors';
import type { Environment } from '../config/load.ts';

/** What a command may touch of the process it runs in. */
export interface Terminal {
  readonly env: Environment;
  readonly cwd: string;
  /** Standard output is a terminal, and not a pipe or a file. */
  readonly isInteractive: boolean;
  /** How wide a line may be; endless where nobody looks at it. */
  readonly columns: number;
  readonly paint: Paint;
  /** To standard output, with a line end. */
  print(text: string): void;
  /** To standard output as one line of JSON. */
  printJson(value: unknown): void;
  printBytes(bytes: Uint8Array): void;
  /** To standard error, with a line end. */
  complain(text: string): void;
  /** Calls `act` each time the process is asked to stop; the returned function ends that. */
  onStop(act: () => void): () => void;
}

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
}

/** The terminal this process was started in. */
export function processTerminal(): Terminal {
  const isInteractive = process.stdout.isTTY === true;
  return {
    env: process.env,
    cwd: process.cwd(),
    isInteractive,
    columns: isInteractive ? process.stdout.columns : Number.POSITIVE_INFINITY,
    paint: createColors(isInteractive && (process.env['NO_COLOR'] ?? '') === ''),
    print: (text) => void process.stdout.write(`${text}\n`),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    printBytes: (bytes) => void process.stdout.write(bytes),
    complain: (text) => void process.stderr.write(`${text}\n`),
    onStop(act) {
      const signals = ['SIGTERM', 'SIGINT'] as const;
      for (const signal of signals) process.on(signal, act);
      return () => {
        for (const signal of signals) process.off(signal, act);
      };
    },
  };
}
