import { type DestinationStream, type Level, pino } from 'pino';
import type { Log, LogFields } from '../../ports/log.ts';

export interface LogOptions {
  readonly level: Level | 'silent';
  /** One readable line instead of JSON; by default when standard error is a terminal. */
  readonly isReadable?: boolean;
  /** Takes whole lines, each with its line end; standard error by default, since standard output holds a command's answer. */
  readonly write?: (line: string) => void;
}

/**
 * The log on pino: JSON lines for collectors, readable lines for a terminal. What must not be written (security G1) is
 * taken out twice: by the name of its field, and by its form in the finished line.
 *
 * @example createLog({ level: 'info' }).info('listening', { url: 'http://127.0.0.1:7070' })
 */
export function createLog(options: LogOptions): Log {
  const { level } = options;
  const write = options.write ?? ((line) => void process.stderr.write(line));
  const isReadable = options.isReadable ?? process.stderr.isTTY === true;
  const destination: DestinationStream = {
    write: (line) => write(withoutSecrets(isReadable ? readable(line) : line)),
  };
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => spelledOut(fields, level === 'debug') },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '***' },
    },
    destination,
  );
  const at = (name: Level) => (message: string, fields?: LogFields) => logger[name](fields ?? {}, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

const SECRET_FIELDS = ['token', 'password', 'pass', 'secret', 'authorization', 'text', 'html', 'body', 'payload', 'raw'];

/** `smtp://user:password@host`, an Authorization header's value, and what SMTP's AUTH carries. */
const SECRET_FORMS: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s@"\\]*@/gi, '$1:***@'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/gi, '$1 ***'],
  [/\b(AUTH\s+(?:PLAIN|LOGIN|XOAUTH2))\s+[A-Za-z0-9+/=]+/gi, '$1 ***'],
];

function withoutSecrets(line: string): string {
  return SECRET_FORMS.reduce((cleaned, [form, instead]) => cleaned.replace(form, instead), line);
}

/** An Error has no fields of its own that JSON would show; its stack is for those who look for a fault in the program. */
function spelledOut(fields: Record<string, unknown>, hasStack: boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? faultOf(value, hasStack) : value]),
  );
}

function faultOf(error: Error, hasStack: boolean): Record<string, unknown> {
  return {
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.cause instanceof Error ? { cause: error.cause.message } : {}),
    ...(hasStack ? { stack: error.stack } : {}),
  };
}

/** `12:30:05.123 warn  the ledger is slow  waitMs=900` */
function readable(line: string): string {
  const { time, level, msg, pid: _, ...fields }: Record<string, unknown> = JSON.parse(line);
  const clock = String(time).slice(11, 23);
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${plain(value)}`);
  return `${[`${clock} ${String(level).padEnd(5)} ${inOneLine(String(msg))}`, ...rest].join('  ')}\n`;
}

function plain(value: unknown): string {
  if (typeof value !== 'string') return inOneLine(JSON.stringify(value) ?? '');
  return /^[^\s"=]+$/.test(value) ? inOneLine(value) : JSON.stringify(value);
}

/** Foreign text, such as a server's reply, must not move the cursor or begin a line of its own (security D5). */
function inOneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}
