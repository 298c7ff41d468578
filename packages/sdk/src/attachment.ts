import { badOption, onlyKnown } from './option.ts';

/** A file that goes with a mail; all of a mail's together at most 25 MB. */
export interface Attachment {
  /** As the recipient sees it, without a folder; that of a `File` when left out. */
  readonly filename?: string;
  /** The bytes; or a text that is them in base64; or a `Blob` or `File` where there are any. */
  readonly content: Uint8Array | string | Blob;
  /** Such as `application/pdf`; default that of a `Blob`, else `application/octet-stream`. */
  readonly contentType?: string;
  /** For a picture in the html: `contentId: 'logo'` is shown by `<img src="cid:logo">`. */
  readonly contentId?: string;
}

const FIELDS = ['filename', 'content', 'contentType', 'contentId'];

export async function attachmentJson(attachment: Attachment, index: number): Promise<unknown> {
  onlyKnown(`attachments[${index}]`, attachment, FIELDS);
  const { content, contentId } = attachment;
  const { name, type } = content as Partial<File>; // of a Blob or a File only; a text and bytes have neither
  return {
    filename: attachment.filename ?? name,
    contentType: attachment.contentType ?? (type === '' ? undefined : type),
    contentId,
    content: typeof content === 'string' ? content : base64(await bytesOf(content, index)),
  };
}

async function bytesOf(content: Uint8Array | Blob, index: number): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  if (typeof Blob !== 'undefined' && content instanceof Blob) return new Uint8Array(await content.arrayBuffer());
  throw badOption(`attachments[${index}].content is neither bytes nor base64`, 'Give a Uint8Array, a Blob, or a text in base64.');
}

/** A multiple of three bytes, so that the pieces of base64 can be joined; few enough to be the arguments of one call. */
const PIECE_BYTES = 24_576;

/** Browsers have no `Buffer`, and `toBase64` of `Uint8Array` is too new. */
function base64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES))));
  return pieces.join('');
}
