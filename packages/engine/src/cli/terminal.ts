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
  /** To standard output, with a line end. */
  print(text: string): void;
  /** To standard output as one line of JSON. */
  printJson(value: unknown): void;
  printBytes(bytes: Uint8Array): void;
  /** To standard error, with a line end. */
  complain(text: string): void;
  /** All of standard input, to its end. */
  input(): Promise<string>;
  /** Calls `act` each time the process is asked to stop; the returned function ends that. */
  onStop(act: () => void): () => void;
}

/** The terminal this process was started in. */
export function processTerminal(): Terminal {
  const isInteractive = process.stdout.isTTY === true;
  const { red } = createColors(process.stderr.isTTY === true && (process.env['NO_COLOR'] ?? '') === '');
  return {
    env: process.env,
    cwd: process.cwd(),
    isInteractive,
    columns: isInteractive ? process.stdout.columns : Number.POSITIVE_INFINITY,
    print: (text) => void process.stdout.write(`${text}\n`),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    printBytes: (bytes) => void process.stdout.write(bytes),
    complain: (text) => void process.stderr.write(`${text.replace(/^error:/, red)}\n`),
    async input() {
      let text = '';
      for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk);
      return text;
    },
    onStop(act) {
      const signals = ['SIGTERM', 'SIGINT'] as const;
      for (const signal of signals) process.on(signal, act);
      return () => {
        for (const signal of signals) process.off(signal, act);
      };
    },
  };
}
