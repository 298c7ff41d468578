import type { Limits, LimitUnit } from './limit.ts';
import { checkedLimits, limitsOf, type Refuse, type WrittenLimits } from './written-limits.ts';

/**
 * What an agent may hand in, per hour and per day, as an operator writes it. A cap counts requests and not sends: what it
 * refuses is not queued, and nothing that was accepted is given back.
 *
 * @example
 * const caps: Caps = { perHour: { messages: 50, newRecipients: 10 }, perDay: 500 };
 */
export type Caps = Pick<WrittenLimits, 'perHour' | 'perDay'>;

const WINDOWS: readonly string[] = ['perHour', 'perDay'];
const UNITS: readonly LimitUnit[] = ['messages', 'recipients', 'newRecipients'];

/** `{}` is no cap at all. What is not known or not a whole number from 1 on is thrown by way of `refuse`. */
export function checkedCaps(written: unknown, refuse: Refuse): Caps {
  const caps = checkedLimits(written, refuse);
  for (const name of Object.keys(caps))
    if (!WINDOWS.includes(name)) throw refuse(name, `is not for caps, which are ${WINDOWS.join(' and ')}`);
  for (const [name, window] of Object.entries(caps))
    for (const unit of typeof window === 'object' ? Object.keys(window) : [])
      if (!UNITS.includes(unit as LimitUnit)) throw refuse(`${name}.${unit}`, `is not for caps, which count ${UNITS.join(', ')}`);
  return caps;
}

/** No margin: it is counted here and now, by the clock that asks. */
export function limitsOfCaps(caps: Caps): Limits {
  return limitsOf({ ...caps, marginMs: 0 }, { idleMs: 0 });
}

export function areNone(caps: Caps): boolean {
  return Object.keys(caps).length === 0;
}
