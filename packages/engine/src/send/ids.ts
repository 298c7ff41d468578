import { createHash, createHmac } from 'node:crypto';
import { base32, type JobId, jobId, jobIdIn, type MessageId, messageId, type TenantId } from '../model/ids.ts';

export interface DerivedIds {
  readonly messageId: MessageId;
  readonly jobId: JobId;
  /** With its angle brackets (RFC 5322 section 3.6.4). Says nothing about the ids the API shows. */
  readonly messageIdHeader: string;
  /** For MIME boundaries: 100 bits that no body holds by chance. */
  readonly boundary: string;
}

export interface IdSeed {
  /** Of this installation, so that nobody outside can make the ids of a key. */
  readonly secret: Uint8Array;
  readonly tenant: TenantId;
  readonly key: string;
  /** A key used again after its record was dropped counts as a new one. */
  readonly generation: number;
  readonly partition: number;
  /** Right of the @ in the Message-ID. */
  readonly domain: string;
}

/** The same submission makes the same ids on every try, in every process: repeating it can add nothing new. */
export function deriveIds(seed: IdSeed): DerivedIds {
  const derive = (purpose: string): Uint8Array =>
    createHmac('sha256', seed.secret)
      .update(JSON.stringify([purpose, seed.tenant, seed.key, seed.generation]))
      .digest();
  return {
    messageId: messageId(`eml_${base32(derive('message'), 26)}`),
    jobId: jobIdIn(seed.partition, derive('job')),
    messageIdHeader: `<${base32(derive('header'), 32)}@${seed.domain}>`,
    boundary: base32(derive('boundary'), 20),
  };
}

/** The job that carries on some recipients of a partly refused envelope, in its parent's partition: a repeated settle adds it once. */
export function childId(parent: { readonly jobId: JobId; readonly token: number }, group: string): JobId {
  const hash = createHash('sha256')
    .update(JSON.stringify(['child', parent.jobId, parent.token, group]))
    .digest();
  return jobId(`job_${parent.jobId.slice(4, 6)}${base32(hash, 24)}`);
}
