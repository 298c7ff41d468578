/** Every limit of the program with its unit and its source. Nothing waits, grows or loops without one. */

/** RFC 5321 section 4.5.3.1.8: a server has to take 100 recipients; more in one envelope is not portable. */
export const RECIPIENTS_MAX = 100;
/** RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.3 (a path of 256 octets holds two angle brackets). */
export const LOCAL_PART_BYTES_MAX = 64;
export const ADDRESS_BYTES_MAX = 254;
/** RFC 5322 section 2.1.1, without the CRLF. */
export const LINE_BYTES_MAX = 998;
export const SUBJECT_CHARACTERS_MAX = 998;
/** Our own: what an agent writes by hand fits; larger content is an attachment. */
export const TEXT_BYTES_MAX = 1_000_000;
export const HTML_BYTES_MAX = 2_000_000;
/** Our own: of one mail, together and before they are encoded. Base64 with its line ends makes 34.3 MB of them. */
export const ATTACHMENT_BYTES_MAX = 25_000_000;
export const ATTACHMENTS_MAX = 100;
/** What the common file systems take. */
export const FILE_NAME_BYTES_MAX = 255;
/** RFC 6838 section 4.2: of a type, and of a subtype. */
export const MEDIA_TYPE_CHARACTERS_MAX = 127;
/** Header fields of a caller; all fields together, with a hundred recipients, stay far below the 256 KiB that servers take. */
export const HEADERS_MAX = 50;
export const HEADER_NAME_CHARACTERS_MAX = 76;
export const HEADER_VALUE_BYTES_MAX = 4_096;
export const HEADERS_BYTES_MAX = 32 * 1024;
/**
 * Our own: a finished mail, encoded; what most providers take lies between 20 and 40 MB, and one that takes less says so
 * (RFC 1870). Room for all attachments and some text; encoding makes up to three bytes of one.
 */
export const MESSAGE_BYTES_MAX = 36_000_000;
/** Our own: base64 of 25 MiB is 34 MiB, and some room. */
export const REQUEST_BYTES_MAX = 40 * 1024 * 1024;
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 256;
/** Mails of one request. */
export const SEND_BATCH_MAX = 100;

/** Our own: three missed heartbeats end a lease, and nothing new is begun in its last seconds. */
export const LEASE_MS = 60_000;
export const LEASE_MARGIN_MS = 5_000;
/** A heartbeat every third of a lease. */
export const HEARTBEATS_PER_LEASE = 3;
/** A worker holds no more jobs than it sends within this part of a lease, judged by its own recent rate. */
export const PREFETCH_LEASE_FRACTION = 0.25;
export const PREFETCH_MAX = 500;

/** RFC 5321 section 4.5.3.2.6: the reply to the final dot may take this long. A shorter wait makes doubt, not speed. */
export const DOT_REPLY_MS_MAX = 10 * 60_000;
/** Our own, shorter than RFC 5321 section 4.5.3.2 asks: before the dot a short wait costs a retry, never a second copy. */
export const CONNECT_MS_MAX = 30_000;
export const REPLY_MS_MAX = 60_000;
/** Security S12: an endless reply ends the connection. */
export const REPLY_BYTES_MAX = 64 * 1024;
export const REPLY_TEXT_BYTES_MAX = 2_048;

/** Final records and their keys are kept this long, from the final state on. */
export const RETENTION_MS = 7 * 24 * 3_600_000;
/** The same content to the same recipients from the same inbox within this time is the same mail, unless the caller says otherwise. */
export const DUPLICATE_GUARD_MS = 10 * 60_000;
/** Counted failures give up this long after the first of them, unless `giveUpMs` is set. */
export const GIVE_UP_MS = 24 * 3_600_000;
/** The longest `giveUpMs` that may be set, and the latest `expiresAt` that may be asked for, counted from `sendAt`. */
export const GIVE_UP_CEILING_MS = 5 * 24 * 3_600_000;
/** From this many crashes on a job runs apart; this many crashes apart make it poison. */
export const CRASHES_BEFORE_APART = 2;
export const CRASHES_APART_MAX = 2;
/** A job in doubt under `resend` is sent once more, not twice. */
export const RESENDS_MAX = 1;

/** One call to a ledger carries at most this many jobs. */
export const BATCH_MAX = 1_000;
export const PAGE_MAX = 100;
/** LobsterMail's: what a list shows of a text. */
export const PREVIEW_CHARACTERS = 200;
