import type { Phase, Reply, Report } from '../../model/reply.ts';

/** What the peer said or did, as the first sentence of a note; empty where nothing of the peer ended the attempt. */
export function whatWasSaid(report: Report): string {
  if (report.kind === 'refused') return `${AT[report.phase]}: ${quote(report.reply)}`;
  if (report.kind === 'failed') return `${AT[report.phase]}: ${report.cause}, ${report.detail.replace(/[.\s]+$/, '')}.`;
  return '';
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
