import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
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
  /** In the place of what the last call drew; where nobody looks, with a line end as any other line. */
  redraw(text: string): void;
  /** To standard error, with a line end. */
  complain(text: string): void;
  /** All of standard input, to its end. */
  input(): Promise<string>;
  /** Calls `act` each time the process is asked to stop; the returned function ends that. */
  onStop(act: () => void): () => void;
  /** Calls `act` when somebody presses `key`, as long as standard input is a terminal; the returned function ends that. */
  onKey(key: string, act: () => void): () => void;
  /** Asks a person and answers what they typed; a secret is not echoed. Undefined where nobody can be asked. */
  readonly ask: ((question: string, how?: { readonly isSecret: boolean }) => Promise<string>) | undefined;
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
    redraw: isInteractive ? drawer() : (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text.replace(/^error:/, red)}\n`),
    async input() {
      let text = '';
      for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk);
      return text;
    },
    onKey,
    ask: isInteractive && process.stdin.isTTY === true ? ask : undefined,
    onStop(act) {
      const signals = ['SIGTERM', 'SIGINT'] as const;
      for (const signal of signals) process.on(signal, act);
      return () => {
        for (const signal of signals) process.off(signal, act);
      };
    },
  };
}

/** Goes back over the lines of the last drawing, and clears from there; nothing above it is touched. */
function drawer(): (text: string) => void {
  let height = 0;
  return (text) => {
    const lines = text.split('\n').slice(0, Math.max(1, process.stdout.rows - 1));
    const back = height === 0 ? '' : `\u001b[${height}A`;
    process.stdout.write(`${back}\r\u001b[J${lines.join('\n')}\n`);
    height = lines.length;
  };
}

const CTRL_C = '\u0003';

function onKey(key: string, act: () => void): () => void {
  const { stdin } = process;
  if (stdin.isTTY !== true) return () => {};
  const pressed = (bytes: Buffer): void => {
    const text = bytes.toString('utf8');
    if (text.includes(CTRL_C) || text.includes(key)) act(); // a terminal in raw mode sends no SIGINT of its own
  };
  stdin.setRawMode(true).resume().on('data', pressed);
  return () => void stdin.off('data', pressed).setRawMode(false).pause();
}

async function ask(question: string, how: { readonly isSecret: boolean } = { isSecret: false }): Promise<string> {
  let isMuted = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) process.stdout.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    const answer = lines.question(question);
    isMuted = how.isSecret;
    return (await answer).trim();
  } finally {
    lines.close();
    if (how.isSecret) process.stdout.write('\n');
  }
}
