import { createColors } from 'picocolors';
import { clean } from './print.ts';

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
/** Narrower than this nothing can be read any more; longer words run over. */
const COLUMNS_MIN = 30;

/** `level  area: what`, and below it what to do, broken at the width there is. */
export function findingText({ area, level, what, todo }: Finding, columns: number, hasColor: boolean): string {
  const { green, yellow, red, cyan } = createColors(hasColor);
  const paint = { ok: green, note: cyan, warning: yellow, error: red }[level];
  const width = Math.max(COLUMNS_MIN, columns) - LEVEL_WIDTH;
  const lines = [...wrapped(`${area}: ${what}`, width), ...(todo === undefined ? [] : wrapped(`-> ${todo}`, width))];
  const [first = '', ...rest] = lines;
  return [`${paint(level)}${' '.repeat(LEVEL_WIDTH - level.length)}${first}`, ...rest.map((line) => ' '.repeat(LEVEL_WIDTH) + line)].join(
    '\n',
  );
}

export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of clean(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
