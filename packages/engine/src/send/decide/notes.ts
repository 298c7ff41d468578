import type { Phase, Reply, Report } from '../../model/reply.ts';
import { ENHANCED_CODE } from '../classify/rule.ts';

/**
 * What the peer said or did, as the first sentence of a note; empty where nothing of the peer ended the attempt. For those
 * whose mail it is: a peer's words often name a recipient.
 */
export function whatWasSaid(report: Report): string {
  if (report.kind === 'refused') return `${AT[report.phase]}: ${quote(report.reply)}`;
  if (report.kind === 'failed') return `${AT[report.phase]}: ${report.cause}, ${report.detail.replace(/[.\s]+$/, '')}.`;
  return '';
}

/** The same for everybody: where it was, and codes. Security T3. */
export function howItEnded(report: Report): string {
  if (report.kind === 'refused') return answered(report.phase, report.reply);
  return report.kind === 'failed' ? `${AT[report.phase]}: ${report.cause}` : '';
}

/** @example answered('rcpt', { code: 450, text: '4.7.1 <bob@example.net>: too fast' }) // 'At RCPT TO: the server answered 450 4.7.1' */
export function answered(phase: Phase, { code, enhanced, text }: Reply): string {
  const [status] = ENHANCED_CODE.exec(enhanced ?? text) ?? [];
  return `${AT[phase]}: the server answered ${status === undefined ? code : `${code} ${status}`}`;
}

const AT: Readonly<Record<Phase, string>> = {
  connect: 'Connecting',
  greeting: 'Waiting for the greeting',
  ehlo: 'At EHLO',
  starttls: 'At STARTTLS',
  auth: 'Logging in',
  mail: 'At MAIL FROM',
  rcpt: 'At RCPT TO',
  data: 'At DATA',
  body: 'Inside the message',
  dot: 'After the message',
};

export function quote(reply: Reply): string {
  return `The server said "${reply.code} ${reply.text}".`;
}

export function duration(ms: number): string {
  return ms < 120_000 ? `${Math.ceil(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}
