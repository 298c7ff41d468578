import { openCaptured } from './adapters/registry.ts';
import type { SqliteStore } from './adapters/store/sqlite/index.ts';
import type { Config } from './config/schema.ts';
import { type App, createApp } from './http/app.ts';
import { OPERATIONS, ROUTES } from './http/routes/index.ts';
import { meteredSubmit } from './metered.ts';
import type { Acceptance } from './ports/acceptance.ts';
import type { Clock } from './ports/clock.ts';
import type { Ledger } from './ports/ledger.ts';
import type { Log } from './ports/log.ts';
import type { Meter } from './ports/meter.ts';
import type { Random } from './ports/random.ts';
import type { Transport } from './ports/transport.ts';
import type { DiskFloor } from './send/disk-floor.ts';
import { createSubmit } from './send/submit.ts';
import type { Senders } from './senders.ts';
import { VERSION } from './version.ts';

/** What this process answers over HTTP: the API and all, or, beside a worker alone, how it does. */
export interface Face extends App {
  /** From now on new work is refused. */
  stop(): void;
}

export interface FaceParts {
  readonly ledger: Ledger;
  readonly store: SqliteStore;
  readonly acceptance: Acceptance;
  readonly transport: Transport;
  readonly senders: Senders;
  readonly floor: DiskFloor;
  readonly meter: Meter;
  readonly serves: 'all' | 'operations';
}

export async function openFace(
  base: { readonly config: Config; readonly clock: Clock; readonly random: Random; readonly log: Log; readonly capturedDir: string },
  plugs: FaceParts,
): Promise<Face> {
  const { config, clock, random, log } = base;
  const { ledger, store, acceptance, meter } = plugs;
  const idSecret = await store.secret('ids', () => random.bytes(32));
  let isStopping = false;
  const deps = {
    store,
    senderStore: store,
    operations: store,
    meter,
    roster: plugs.senders.roster,
    vault: plugs.senders.vault,
    checkTransport: plugs.senders.checkTransport,
    ledger,
    submit: meteredSubmit(createSubmit({ ledger, acceptance, store, clock, random, idSecret }), meter),
    ...(plugs.transport.capabilities.captures ? { captured: await openCaptured(base.capturedDir) } : {}),
    clock,
    random,
    log,
    settings: { domain: config.domain, signup: config.signup, publicHosts: publicHosts(config), version: VERSION },
    health() {
      const { problem } = plugs.floor;
      return { ok: problem === undefined, problems: problem === undefined ? [] : [problem] };
    },
    isStopping: () => isStopping,
  };
  const app = createApp(deps, plugs.serves === 'all' ? ROUTES : OPERATIONS);
  return {
    fetch: (request, context) => app.fetch(request, context),
    stop() {
      isStopping = true;
    },
  };
}

/** Names a browser may reach this server by, besides loopback: the one it was told to listen on. */
function publicHosts(config: Config): string[] {
  return [...config.publicHosts, ...(config.http === 'off' ? [] : [config.http.host])];
}
