import type * as z from 'zod';
import { definedOnly } from './defined-only.ts';
import type { page } from './schemas.ts';

/** LobsterMail's default; the most is `PAGE_MAX`. */
export const PAGE_DEFAULT = 20;

/** Which page a caller asked for, as the api wants it. */
export function pageAsked({ limit, cursor }: z.output<typeof page>): { readonly max: number; readonly cursor?: string } {
  return { max: limit ?? PAGE_DEFAULT, ...definedOnly({ cursor }) };
}
