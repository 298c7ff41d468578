/**
 * The published door `shoal/testing`: what proves an adapter, and what stands in for the world in a test. Conformance
 * suites per port, the ledger in memory that every other is compared with, a clock moved by hand, chance with a seed.
 * Not here: anything the running engine needs. The suites need vitest and fast-check, which the engine does not.
 */
export { type LedgerModelOptions, ledgerModelTest } from './ledger-model.ts';
export { type LedgerWorld, ledgerSuite } from './ledger-suite.ts';
export { createManualClock, type ManualClock } from './manual-clock.ts';
export { createMemoryLedger, type MemoryLedger, type MemoryLedgerOptions } from './memory-ledger.ts';
export {
  cut,
  hold,
  openScriptedSmtpServer,
  type ReceivedMail,
  type ScriptedSmtpServer,
  type ScriptedTls,
  type ScriptedVerb,
  type SmtpScript,
  say,
  sayByByte,
  sayThenCut,
  silence,
  type Step,
} from './scripted-smtp-server.ts';
export { createSeededRandom } from './seeded-random.ts';
export { type Simulation, type SimulationOptions, simulate } from './simulator/simulate.ts';
export { type TransportTraits, type TransportWorld, transportSuite } from './transport-suite.ts';
