export type { Ledger } from './ports/ledger.ts';
