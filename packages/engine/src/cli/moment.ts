import { ShoalError } from '@shoal/sdk';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A time as a person writes it on a command line: ISO 8601, or a distance from now such as `30m`, `2h`, `7d`.
 *
 * @example momentOf('--since', '2h', { now, direction: -1 }) // two hours ago
 */
export function momentOf(flag: string, written: string, { now, direction }: { readonly now: number; readonly direction: 1 | -1 }): Date {
  const [, count, unit = ''] = /^(\d{1,6})(s|min|m|h|d)$/.exec(written) ?? [];
  const time = count === undefined ? isoMoment(written) : now + direction * Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  if (Number.isFinite(time)) return new Date(time);
  throw new ShoalError({
    code: 'bad_option',
    message: `${flag} is no time, got ${JSON.stringify(written)}`,
    hint: 'Write a distance such as 30m, 2h or 7d, or a time such as 2030-01-31T09:00:00Z.',
  });
}

/** `Date` reads many other things, "1" for example as a month of 2001. */
function isoMoment(written: string): number {
  return /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/.test(written) ? Date.parse(written) : Number.NaN;
}

export interface PeriodFlags {
  readonly since?: string;
  readonly until?: string;
}

export function periodOf(flags: PeriodFlags): { readonly since?: Date; readonly until?: Date } {
  const past = { now: Date.now(), direction: -1 } as const;
  return {
    ...(flags.since !== undefined && { since: momentOf('--since', flags.since, past) }),
    ...(flags.until !== undefined && { until: momentOf('--until', flags.until, past) }),
  };
}
