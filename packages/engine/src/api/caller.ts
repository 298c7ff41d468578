import type { TokenRecord } from '../model/tenant.ts';

/** Who asks, where it matters that it is an operator: those reach the mail of every account. */
export type Caller = Pick<TokenRecord, 'id' | 'tenant' | 'role'>;
