/** What the body of DATA looks like on the wire, but for the dot that ends it. */
export type Body = { readonly kind: 'ready'; readonly bytes: Uint8Array } | { readonly kind: 'malformed'; readonly detail: string };

/** The payload ends in CRLF, so this is RFC 5321 section 4.1.1.4's `CRLF.CRLF`. */
export const FINAL_DOT = '.\r\n';

const NUL = 0;
const LF = 10;
const CR = 13;
const DOT = 46;

/**
 * Checks a payload and stuffs its dots (RFC 5321 section 4.5.2), in one look at each byte; copies only where there is
 * something to stuff. Refuses, and never repairs, what could end the message early at the next hop (security S4): a CR
 * or LF outside a CRLF, a NUL, a missing last CRLF. By then it is signed, so to mend it would be to break it.
 */
export function bodyOf(payload: Uint8Array): Body {
  const size = payload.length;
  if (size < 2 || payload[size - 2] !== CR || payload[size - 1] !== LF) return malformed('does not end in CRLF');
  let dotsAt: number[] | undefined = payload[0] === DOT ? [0] : undefined;
  for (let at = 0; at < size; at += 1) {
    const byte = payload[at] as number;
    if (byte > CR) continue;
    if (byte === CR) {
      if (payload[at + 1] !== LF) return malformed(`has a CR without LF at byte ${at}`);
      at += 2;
      if (payload[at] === DOT) {
        dotsAt ??= [];
        dotsAt.push(at);
      }
      at -= 1;
    } else if (byte === LF) return malformed(`has an LF without CR at byte ${at}`);
    else if (byte === NUL) return malformed(`has a NUL at byte ${at}`);
  }
  return { kind: 'ready', bytes: dotsAt === undefined ? payload : stuffed(payload, dotsAt) };
}

function stuffed(payload: Uint8Array, dotsAt: readonly number[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(payload.length + dotsAt.length);
  let from = 0;
  let to = 0;
  for (const at of dotsAt) {
    bytes.set(payload.subarray(from, at), to);
    to += at - from;
    bytes[to] = DOT;
    to += 1;
    from = at;
  }
  bytes.set(payload.subarray(from), to);
  return bytes;
}

function malformed(detail: string): Body {
  return { kind: 'malformed', detail: `the message ${detail}; nothing was sent` };
}
