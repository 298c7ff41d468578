import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { createColors } from 'picocolors';
import type { Environment } from '../config/load.ts';
import { interrupted } from './long-run.ts';
import { openScreen, type Paint, type Screen, sizeOf } from './terminal-screen.ts';
import { cut, prose } from './text-width.ts';

/** What a command may touch of the process it runs in. */
export interface Terminal {
  readonly env: Environment;
  readonly cwd: string;
  /** Standard output is a terminal, and not a pipe or a file. */
  readonly isInteractive: boolean;
  /** How wide a line may be just now; endless where nobody looks at it. */
  readonly columns: number;
  /** Standard output shows colours, and nobody asked for none (NO_COLOR). */
  readonly hasColor: boolean;
  /** To standard output, with a line end. */
  print(text: string): void;
  /** The same for sentences: broken between words where a person reads them. */
  say(text: string): void;
  /** To standard output as one line of JSON. */
  printJson(value: unknown): void;
  printBytes(bytes: Uint8Array): void;
  /** How far a long command is, in the place of what the last call said; the next print takes it away. Not said where nobody looks. */
  progress(text: string): void;
  /** Takes the whole window. Undefined where there is none. */
  readonly openScreen: ((paint: Paint) => Screen) | undefined;
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
  const { stdout, stderr, stdin, env } = process;
  const isInteractive = stdout.isTTY === true;
  const wantsColor = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const { red } = createColors(wantsColor && stderr.isTTY === true);
  const columns = (): number => (isInteractive ? sizeOf(stdout)[0] : Number.POSITIVE_INFINITY);
  let hasProgress = false;
  const write = (text: string | Uint8Array): void => {
    if (hasProgress) stdout.write(CLEAR_LINE);
    hasProgress = false;
    stdout.write(text);
  };
  return {
    env,
    cwd: process.cwd(),
    isInteractive,
    get columns() {
      return columns();
    },
    hasColor: wantsColor && isInteractive,
    print: (text) => write(`${text}\n`),
    say: (text) => write(`${prose(text, columns())}\n`),
    printJson: (value) => write(`${JSON.stringify(value)}\n`),
    printBytes: write,
    progress(text) {
      if (!isInteractive || env['TERM'] === 'dumb') return;
      stdout.write(CLEAR_LINE + cut(text, columns() - 1));
      hasProgress = true;
    },
    openScreen: isInteractive && env['TERM'] !== 'dumb' ? (paint) => openScreen(stdout, paint) : undefined,
    complain(text) {
      if (hasProgress) stdout.write(CLEAR_LINE);
      hasProgress = false;
      const said = stderr.isTTY === true ? prose(text, sizeOf(stderr)[0]) : text;
      stderr.write(`${said.replace(/^error:/, red)}\n`);
    },
    async input() {
      let text = '';
      for await (const chunk of stdin.setEncoding('utf8')) text += String(chunk);
      return text;
    },
    onKey,
    ask: isInteractive && stdin.isTTY === true ? ask : undefined,
    onStop(act) {
      const signals = ['SIGTERM', 'SIGINT'] as const;
      for (const signal of signals) process.on(signal, act);
      return () => {
        for (const signal of signals) process.off(signal, act);
      };
    },
  };
}

const CLEAR_LINE = '\r\u001b[K';
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

/** @throws ShoalError `interrupted` when the person presses Ctrl-C or Ctrl-D instead */
async function ask(question: string, how: { readonly isSecret: boolean } = { isSecret: false }): Promise<string> {
  const { stdin, stdout } = process;
  const [columns] = sizeOf(stdout);
  const asked = prose(question, columns - ANSWER_ROOM).split('\n');
  const prompt = asked.pop() ?? '';
  for (const line of asked) stdout.write(`${line}\n`);
  let isMuted = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) stdout.write(chunk);
      done();
    },
  });
  // readline goes by the width of what it writes to, and has to know where a long answer begins a new row.
  const lines = createInterface({ input: stdin, output: Object.assign(output, { columns }), terminal: true });
  try {
    const answer = lines.question(prompt);
    isMuted = how.isSecret;
    const given = (await answer).trim();
    if (how.isSecret) stdout.write('\n');
    return given;
  } catch (error) {
    stdout.write('\n');
    throw (error as Error).name === 'AbortError' ? interrupted() : error;
  } finally {
    lines.close();
  }
}

/** What a question leaves of its line for the answer. */
const ANSWER_ROOM = 20;
