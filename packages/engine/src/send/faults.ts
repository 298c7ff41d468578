import { ShoalError } from '../model/errors.ts';

/** Field to what is wrong with it; the first fault of a field stands. */
export type Faults = Record<string, string>;

export function refusal(faults: Faults): ShoalError {
  const [[field, why] = ['request', 'is not complete']] = Object.entries(faults);
  const others = Object.keys(faults).length - 1;
  return new ShoalError('refused_value', `${field} ${why}${others > 0 ? ` (and ${others} more in details)` : ''}`, { details: faults });
}

/**
 * Security S6: nothing that any program on the way could take for a line end may stand in a header: C0 (tab too), DEL, C1, and
 * the two separators of Unicode. A lone surrogate has no UTF-8, so it would arrive as something else.
 */
export function faultOfHeaderText(text: string): string | undefined {
  const found = /[\p{Cc}\p{Cs}\u2028\u2029]/u.exec(text);
  if (found === null) return undefined;
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `has a line break or control character (U+${code}), which may not stand in a header`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
