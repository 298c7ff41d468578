/**
 * The nouns of the program: plain types and pure functions, no clock, no chance, no library. What a backend stores, what a
 * caller may ask and what a worker decides is all said in these words (docs/glossary.md). Not here: anything that waits.
 *
 * Ids are branded strings, checked where they enter. They hold `[A-Za-z0-9_-]` only, since some clients put them into
 * paths unencoded.
 */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

/** Who owns inboxes and tokens: `acct_` and 26 characters. */
export type TenantId = Id<'tenant'>;
/** An address an agent owns, and a lane of sending: `ibx_` and 26 characters. */
export type InboxId = Id<'inbox'>;
/** What was submitted: `eml_` and 26 characters. */
export type MessageId = Id<'message'>;
/** A unit of work: `job_`, two characters of partition, 24 of hash. */
export type JobId = Id<'job'>;
/** The identity a provider counts against: a name of the configuration, such as `default`. */
export type SenderId = Id<'sender'>;
/** A queue within a sender; for mail, the inbox it leaves from. */
export type LaneId = Id<'lane'>;
/** One worker process: `wrk_` and 12 characters. */
export type WorkerId = Id<'worker'>;
/** A bearer token by a name that is no secret: `tok_` and 16 characters. */
export type TokenId = Id<'token'>;

/** Work on many jobs at once: `op_` and 26 characters. */
export type OperationId = Id<'operation'>;

const TAIL = '[0-9a-hjkmnp-tv-z]';
const PATTERNS = {
  tenant: new RegExp(`^acct_${TAIL}{26}$`),
  inbox: new RegExp(`^ibx_${TAIL}{26}$`),
  message: new RegExp(`^eml_${TAIL}{26}$`),
  job: new RegExp(`^job_${TAIL}{26}$`),
  sender: /^[a-z0-9][a-z0-9_-]{0,63}$/,
  lane: /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
  worker: new RegExp(`^wrk_${TAIL}{12}$`),
  token: new RegExp(`^tok_${TAIL}{16}$`),
  operation: new RegExp(`^op_${TAIL}{26}$`),
} as const;

function checked<Name extends keyof typeof PATTERNS>(name: Name, text: string): Id<Name> {
  if (!PATTERNS[name].test(text)) throw new RangeError(`not a ${name} id: ${JSON.stringify(text.slice(0, 40))}`);
  return text as Id<Name>;
}

export const tenantId = (text: string): TenantId => checked('tenant', text);
export const inboxId = (text: string): InboxId => checked('inbox', text);
export const messageId = (text: string): MessageId => checked('message', text);
export const jobId = (text: string): JobId => checked('job', text);
export const senderId = (text: string): SenderId => checked('sender', text);
export const laneId = (text: string): LaneId => checked('lane', text);
export const workerId = (text: string): WorkerId => checked('worker', text);
export const operationId = (text: string): OperationId => checked('operation', text);
export const tokenId = (text: string): TokenId => checked('token', text);

/** Crockford's alphabet in lower case: no i, l, o, u, so that an id read aloud is not misheard. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The first `length` base-32 characters of `bytes`, five bits each; for ids made from a hash or from random bytes. */
export function base32(bytes: Uint8Array, length: number): string {
  if (bytes.length * 8 < length * 5)
    throw new RangeError(`${length} characters need ${Math.ceil((length * 5) / 8)} bytes, got ${bytes.length}`);
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < length) {
      bits -= 5;
      text += ALPHABET.charAt((held >> bits) & 31);
    }
    held &= (1 << bits) - 1;
    if (text.length === length) break;
  }
  return text;
}

/** A job id says its partition, so that any process can find the job from the id alone (at most 1,024 partitions). */
export function jobIdIn(partition: number, hash: Uint8Array): JobId {
  if (!Number.isInteger(partition) || partition < 0 || partition > 1023)
    throw new RangeError(`partition must be a whole number from 0 to 1023, got ${partition}`);
  return jobId(`job_${ALPHABET.charAt(partition >> 5)}${ALPHABET.charAt(partition & 31)}${base32(hash, 24)}`);
}
