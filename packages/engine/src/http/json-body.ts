import { isUtf8 } from 'node:buffer';
import { ShoalError } from '../model/errors.ts';
import { REQUEST_BYTES_MAX } from '../model/limits.ts';

/**
 * The JSON object a request carries; an empty body counts as `{}`, with whatever content type it came, since clients send
 * both (an SDK's DELETE says `application/json` and brings nothing).
 *
 * @throws ShoalError `too_large`, and `bad_request` for what is no JSON object
 */
export async function readJsonBody(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const text = decode(await readBytes(request));
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ShoalError('bad_request', `the body is not JSON: ${reasonOf(cause)}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ShoalError('bad_request', 'the body must be a JSON object');
  return value as Record<string, unknown>;
}

/** Up to here a body is read in one go and needs no stream; that copies it once more, which counts when it is large. */
const ONE_GO_BYTES_MAX = 1_048_576;

async function readBytes(request: Request): Promise<Uint8Array> {
  const announced = request.headers.get('content-length');
  if (announced === null) return readCounted(request);
  // With a length the HTTP parser keeps the peer to it, so it is enough to look at the number.
  if (Number(announced) > REQUEST_BYTES_MAX) throw tooLarge();
  if (Number(announced) > ONE_GO_BYTES_MAX) return readCounted(request);
  const bytes = new Uint8Array(await received(request.arrayBuffer()));
  if (bytes.length > REQUEST_BYTES_MAX) throw tooLarge();
  return bytes;
}

/** Piece by piece: without a length (chunked, or a Request made in this process) the limit holds while reading. */
async function readCounted(request: Request): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await received(reader.read());
    if (done) return Buffer.concat(chunks);
    sizeBytes += value.length;
    if (sizeBytes > REQUEST_BYTES_MAX) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(value);
  }
}

/** A peer that goes away in the middle of its request is its own fault, not the server's. */
async function received<T>(reading: Promise<T>): Promise<T> {
  return reading.catch((cause: unknown) => {
    throw new ShoalError('bad_request', 'the body ended too early', { cause });
  });
}

/** A whole check and a plain decoding cost a tenth of a decoder that is told to be fatal. */
function decode(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new ShoalError('bad_request', 'the body is not UTF-8 (RFC 8259 section 8.1)');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Node quotes the input in its message: the position helps, the text may be somebody's mail. */
function reasonOf(cause: unknown): string {
  const position = cause instanceof Error ? /position \d+(?: \(line \d+ column \d+\))?/.exec(cause.message)?.[0] : undefined;
  return position === undefined ? 'it ends too early or holds an unexpected character' : `unexpected character at ${position}`;
}

function tooLarge(): ShoalError {
  return new ShoalError('too_large', `the request is larger than ${REQUEST_BYTES_MAX} bytes`);
}
