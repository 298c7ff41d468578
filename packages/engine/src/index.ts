/**
 * The public door of the package `shoal`: the engine in a process of your own, and the words its parts are made of. The
 * suites and doubles for writing plugs of your own are at `shoal/testing`.
 */
export { configOf } from './config/check.ts';
export { loadConfig } from './config/load.ts';
export type { Config } from './config/schema.ts';
export { type Engine, type EngineParts, openEngine, type Roles } from './engine.ts';
export { type ErrorCode, ShoalError } from './model/errors.ts';
export type { FailedAttempt, RetryOptions, RetryPlan, RetryPolicy } from './model/retry.ts';
export type { Ledger } from './ports/ledger.ts';
export type { Transport } from './ports/transport.ts';
