import { appendFile, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JobId, jobId, type MessageId, messageId } from '../../model/ids.ts';
import type { ConnectionFacts, RecipientReply, Reply, Report } from '../../model/reply.ts';
import type { Captured, CapturedMail } from '../../ports/captured.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Parcel, Transport } from '../../ports/transport.ts';
import { makeFolder } from '../_shared/make-folder.ts';
import { syncFolder } from '../_shared/sync-folder.ts';

/** Beside the mails, one JSON line for each, oldest first: the envelope stands in no header. */
const INDEX = 'index.jsonl';

const TAKEN: Reply = { code: 250, enhanced: '2.0.0', text: '2.0.0 captured: kept on this machine, sent to nobody' };

export interface CaptureTransportOptions {
  /** Made when the first mail comes; readable by its owner alone. */
  readonly dir: string;
  readonly clock: Clock;
}

/**
 * A transport that sends nothing: each mail becomes `<dir>/<messageId>.<jobId>.eml`, durable before it is reported, and a
 * parcel carried again overwrites its file. The file gets its name by one rename after the grant: that is its final dot.
 */
export function openCaptureTransport({ dir, clock }: CaptureTransportOptions): Transport {
  async function send(parcel: Parcel, commit: () => Promise<boolean>, signal: AbortSignal): Promise<Report> {
    const startedAt = clock.now();
    const facts = (): ConnectionFacts => ({
      peer: 'capture',
      tls: 'none',
      isReused: false,
      durationMs: Math.max(0, Math.round(clock.now() - startedAt)),
    });
    if (signal.aborted) return { kind: 'aborted', phase: 'connect', facts: facts() };

    const path = join(dir, `${parcel.messageId}.${parcel.jobId}.eml`);
    const draft = `${path}.draft`;
    try {
      makeFolder(dir);
      await writeFile(draft, parcel.payload, { mode: 0o600, flush: true });
    } catch (error) {
      return { kind: 'failed', phase: 'body', cause: 'refused', detail: `the mail could not be kept: ${codeOf(error)}`, facts: facts() };
    }

    const answer = await answerTo(commit, signal);
    if (answer !== 'granted') {
      await rm(draft, { force: true });
      return answer === 'aborted' ? { kind: 'aborted', phase: 'body', facts: facts() } : { kind: 'withheld', facts: facts() };
    }

    try {
      await publish(parcel, draft, path);
    } catch (error) {
      // Whether the rename is on disk can't be told from here.
      return { kind: 'unknown', cause: 'cut', detail: `the mail could not be kept for sure: ${codeOf(error)}`, facts: facts() };
    }
    const accepted = parcel.envelope.to.map((address): RecipientReply => ({ address, reply: TAKEN }));
    return { kind: 'accepted', reply: TAKEN, accepted, refused: [], facts: facts() };
  }

  /** Order matters: a mail that is there is in the index. An entry without its mail is passed over by readers. */
  async function publish(parcel: Parcel, draft: string, path: string): Promise<void> {
    const { messageId, jobId, envelope, payload } = parcel;
    const entry: Entry = { messageId, jobId, at: clock.wallNow(), to: envelope.to, sizeBytes: payload.length };
    // A line end on both sides: what a crash tore before this must not take this entry with it.
    await appendFile(join(dir, INDEX), `\n${JSON.stringify(entry)}\n`, { mode: 0o600, flush: true });
    await rename(draft, path);
    await syncFolder(dir);
  }

  return {
    capabilities: { description: `capture to ${dir}`, captures: true },
    send,
    close: async () => {},
  };
}

/** Reads what the capture transport kept, also from another process. */
export function openCaptured(dir: string): Captured {
  return {
    async list({ max, cursor }) {
      const [index, names] = await Promise.all([readFile(join(dir, INDEX), 'utf8').catch(emptyIfMissing), namesIn(dir)]);
      // What stands behind the last line end is being written.
      const lines = index.split('\n').slice(0, -1);
      const { begun, below } = cursor === undefined ? { begun: lines.length, below: lines.length } : readPlace(cursor);
      const mails: CapturedMail[] = [];
      const seen = new Set<string>();
      for (let line = Math.min(begun, lines.length) - 1; line >= 0; line -= 1) {
        const entry = entryOf(lines[line] ?? '');
        const name = entry === undefined ? '' : `${entry.messageId}.${entry.jobId}.eml`;
        if (entry === undefined || seen.has(name) || !names.has(name)) continue;
        seen.add(name);
        if (line >= below) continue;
        if (mails.length === max) return { mails, cursor: placeAt({ begun, below: line + 1 }) };
        mails.push({ messageId: entry.messageId, at: entry.at, to: entry.to, sizeBytes: entry.sizeBytes });
      }
      return { mails };
    },
    async raw(id) {
      const name = [...(await namesIn(dir))].find((each) => each.startsWith(`${id}.`) && each.endsWith('.eml'));
      return name === undefined ? undefined : await readFile(join(dir, name));
    },
  };
}

/**
 * Lines of the index, which only grows. Where the walk began comes along, since a parcel carried again has a newer line:
 * without it the walk would take the older one for overtaken, and never meet that mail.
 */
interface Place {
  readonly begun: number;
  /** The next page is below this line. */
  readonly below: number;
}

const placeAt = ({ begun, below }: Place): string => `c${begun.toString(36)}-${below.toString(36)}`;

function readPlace(cursor: string): Place {
  const [, begun = '', below = ''] = /^c([0-9a-z]{1,8})-([0-9a-z]{1,8})$/.exec(cursor) ?? [];
  const place = { begun: Number.parseInt(begun, 36), below: Number.parseInt(below, 36) };
  if (place.below <= place.begun) return place;
  throw new RangeError(`not a cursor of this list: ${JSON.stringify(cursor.slice(0, 40))}`);
}

interface Entry {
  readonly messageId: MessageId;
  readonly jobId: JobId;
  readonly at: number;
  readonly to: readonly string[];
  readonly sizeBytes: number;
}

/** Undefined for a line that a crash tore. */
function entryOf(line: string): Entry | undefined {
  if (line === '') return undefined;
  try {
    const found = JSON.parse(line) as Partial<Record<keyof Entry, unknown>>;
    const { at, to, sizeBytes } = found;
    if (typeof at !== 'number' || typeof sizeBytes !== 'number' || !Array.isArray(to)) return undefined;
    return { messageId: messageId(String(found.messageId)), jobId: jobId(String(found.jobId)), at, to: to.map(String), sizeBytes };
  } catch {
    return undefined;
  }
}

/** The signal counts until the answer is there, and no longer. */
async function answerTo(commit: () => Promise<boolean>, signal: AbortSignal): Promise<'granted' | 'withheld' | 'aborted'> {
  if (signal.aborted) return 'aborted';
  let stopListening = (): void => {};
  const fired = new Promise<'aborted'>((resolve) => {
    const listener = (): void => resolve('aborted');
    signal.addEventListener('abort', listener, { once: true });
    stopListening = () => signal.removeEventListener('abort', listener);
  });
  const asked = (async () => await commit())().then(
    (isGranted) => (isGranted ? ('granted' as const) : ('withheld' as const)),
    () => 'withheld' as const,
  );
  try {
    return await Promise.race([asked, fired]);
  } finally {
    stopListening();
  }
}

async function namesIn(dir: string): Promise<ReadonlySet<string>> {
  return new Set(await readdir(dir).catch((error: unknown) => (isMissing(error) ? [] : Promise.reject(error))));
}

function emptyIfMissing(error: unknown): string {
  if (isMissing(error)) return '';
  throw error;
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'an unknown error';
}
