import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it('finds the name that was meant, and none for what is far from all', () => {
  const known = ['SHOAL_LEDGER', 'SHOAL_LOG', 'SHOAL_HTTP'];
  expect(nearest('SHOAL_LEGDER', known)).toBe('SHOAL_LEDGER');
  expect(nearest('shoal_htp', known)).toBe('SHOAL_HTTP');
  expect(nearest('PATH', known)).toBeUndefined();
});
