/** What a command's exit code means; `shoal --help` shows this table. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  waiting: 4,
  inDoubt: 5,
  /** What a shell says of a program that Ctrl-C ended: 128 and SIGINT. */
  interrupted: 130,
} as const;

export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'refused, or the mail was given up'],
  [EXIT.usage, 'a flag, variable or configuration file is wrong'],
  [EXIT.unreachable, 'no server answered'],
  [EXIT.waiting, '--wait ended before the mail did; it goes on by itself'],
  [EXIT.inDoubt, 'the mail may or may not have arrived; see `shoal doubts`'],
  [EXIT.interrupted, 'ended by Ctrl-C before it was done'],
];

const CODES: Readonly<Record<string, number>> = {
  bad_config: EXIT.usage,
  bad_option: EXIT.usage,
  token_file: EXIT.usage,
  sqlite_unsafe: EXIT.usage,
  unreachable: EXIT.unreachable,
  timeout: EXIT.unreachable,
  mail_in_doubt: EXIT.inDoubt,
  interrupted: EXIT.interrupted,
};

export function exitCodeOf(errorCode: string): number {
  return CODES[errorCode] ?? EXIT.failed;
}
