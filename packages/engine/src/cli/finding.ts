import { createColors } from 'picocolors';
import { clean } from './print.ts';
import { broken } from './text-width.ts';

/** `error`: Shoal will not do its work as it stands. `warning`: it will, until something happens. `note`: worth knowing. */
export interface Finding {
  readonly area: string;
  readonly level: 'ok' | 'note' | 'warning' | 'error';
  readonly what: string;
  /** Absent where there is nothing to do. */
  readonly todo?: string;
}

export const ok = (area: string, what: string): Finding => ({ area, level: 'ok', what });
export const note = (area: string, what: string, todo?: string): Finding => found('note', area, what, todo);
export const warning = (area: string, what: string, todo: string): Finding => found('warning', area, what, todo);
export const fault = (area: string, what: string, todo: string): Finding => found('error', area, what, todo);

function found(level: Finding['level'], area: string, what: string, todo: string | undefined): Finding {
  return { area, level, what, ...(todo !== undefined && { todo }) };
}

const LEVEL_WIDTH = 'warning'.length + 2;
/** What to do begins with this, and its lines stand below each other behind it. */
const ARROW = '-> ';

/** `level  area: what`, and below it what to do, broken at the width there is. */
export function findingText({ area, level, what, todo }: Finding, columns: number, hasColor: boolean): string {
  const { green, yellow, red, cyan } = createColors(hasColor);
  const paint = { ok: green, note: cyan, warning: yellow, error: red }[level];
  const indent = ' '.repeat(LEVEL_WIDTH);
  const width = columns - LEVEL_WIDTH;
  const advice = todo === undefined ? [] : broken(clean(todo), width - ARROW.length);
  const lines = [
    ...broken(clean(`${area}: ${what}`), width),
    ...advice.map((line, at) => (at === 0 ? ARROW : ' '.repeat(ARROW.length)) + line),
  ];
  return `${paint(level)}${(indent + lines.join(`\n${indent}`)).slice(level.length)}`;
}
