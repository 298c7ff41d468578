import { expect, it } from 'vitest';
import { senderId } from '../model/ids.ts';
import { BATCH_MAX } from '../model/limits.ts';
import { senderScope } from '../model/scope.ts';
import { PLAIN_SETTINGS, type Sender, type SenderSettings, senderOf } from '../model/sender.ts';
import type { Report } from '../model/reply.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { SenderRecord } from '../ports/sender-store.ts';
import type { Transport } from '../ports/transport.ts';
import { createManualClock, createMemoryLedger, type ManualClock } from '../testing/index.ts';
import { openRoster, type Roster } from './roster.ts';

const DEFAULT = senderId('default');
const BULK = senderId('bulk');

interface Opened {
  readonly url: string;
  readonly origin: Sender['origin'];
  isClosed: boolean;
}

interface Stage {
  readonly clock: ManualClock;
  readonly ledger: Ledger;
  readonly opened: Opened[];
  readonly logged: string[];
  /** What another process writes into the store. */
  store(...records: readonly SenderRecord[]): void;
  /** Secrets cannot be read from now on, or can be again. */
  lock(isLocked: boolean): void;
  /** One more process; it tells `told` instead of the ledger. */
  open(defaultUrl?: string, told?: Ledger): Promise<Roster>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const record = (transport: string, settings: Partial<SenderSettings> = {}, id = BULK): SenderRecord => ({
  id,
  transport: bytes(transport),
  settings: { ...PLAIN_SETTINGS, ...settings },
  createdAt: 1,
  updatedAt: 1,
});

function stage(): Stage {
  const clock = createManualClock();
  const ledger = createMemoryLedger({ clock });
  const opened: Opened[] = [];
  const logged: string[] = [];
  let revision = 0;
  let isLocked = false;
  let records: readonly SenderRecord[] = [];
  const write = (message: string): void => void logged.push(message);
  return {
    clock,
    ledger,
    opened,
    logged,
    store(...next) {
      records = next;
      revision += 1;
    },
    lock(wanted) {
      isLocked = wanted;
    },
    open: (defaultUrl = 'smtp://default', told = ledger) =>
      openRoster({
        configured: [senderOf({ id: DEFAULT, origin: 'config', transport: defaultUrl, settings: PLAIN_SETTINGS })],
        store: { listSenders: async () => records, sendersRevision: async () => revision },
        vault: {
          async open(sealed) {
            const text = new TextDecoder().decode(sealed);
            if (isLocked || text === 'locked') throw new Error('sealed with another key');
            return text;
          },
        },
        ledger: told,
        open: async (url, origin) => {
          const entry: Opened = { url, origin, isClosed: false };
          opened.push(entry);
          return transportThat(entry);
        },
        loginSecret: new Uint8Array(32),
        clock,
        log: { debug: write, info: write, warn: write, error: write },
      }),
  };
}

function transportThat(entry: Opened): Transport {
  return {
    capabilities: { description: entry.url, captures: false },
    send: () => new Promise<Report>(() => {}),
    async close() {
      entry.isClosed = true;
    },
  };
}

const holdsOf = async (ledger: Ledger, id = BULK): Promise<readonly string[]> =>
  ((await ledger.standing([senderScope(id)]))[0]?.holds ?? []).map(({ why }) => why);

const rulesOf = async (ledger: Ledger, id = BULK): Promise<readonly number[] | undefined> =>
  (await ledger.standing([senderScope(id)]))[0]?.limits?.rules.map(({ max }) => max);

it('opens each transport once, when its first mail goes', async () => {
  const { opened, open, store } = stage();
  store(record('smtp://bulk'));
  const roster = await open();
  expect(opened).toEqual([]);
  await Promise.all([roster.transportFor(BULK), roster.transportFor(BULK), roster.transportFor(DEFAULT)]);
  expect(opened.map(({ url, origin }) => [url, origin])).toEqual([
    ['smtp://bulk', 'api'],
    ['smtp://default', 'config'],
  ]);
});

it('tells the ledger the limits of every sender at the start, and of each that changes', async () => {
  const { ledger, open, store } = stage();
  store(record('smtp://bulk', { limits: { perHour: 5 } }));
  const roster = await open();
  expect(await rulesOf(ledger)).toEqual([5]);
  store(record('smtp://bulk', { limits: { perHour: 9, perDay: 50 } }));
  await roster.refresh();
  expect(await rulesOf(ledger)).toEqual([9, 50]);
  store();
  await roster.refresh();
  expect(await rulesOf(ledger)).toBeUndefined();
});

it('opens a transport again once its URL changed, and ends the old one', async () => {
  const { opened, open, store } = stage();
  store(record('smtp://u:old@bulk'));
  const roster = await open();
  await roster.transportFor(BULK);
  store(record('smtp://u:old@bulk', { limits: { perHour: 5 } }));
  await roster.refresh();
  await roster.transportFor(BULK);
  expect(opened).toHaveLength(1); // other limits are none of its business
  store(record('smtp://u:new@bulk'));
  await roster.refresh();
  await roster.transportFor(BULK);
  expect(opened).toEqual([
    { url: 'smtp://u:old@bulk', origin: 'api', isClosed: true },
    { url: 'smtp://u:new@bulk', origin: 'api', isClosed: false },
  ]);
  await roster.close();
  expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, true]);
});

it('notices within two seconds what another process changed', async () => {
  const { clock, ledger, open, store } = stage();
  const roster = await open();
  const stop = new AbortController();
  const followed = roster.follow(stop.signal);
  store(record('smtp://bulk', { limits: { perHour: 5 } }));
  await clock.advance(2_000);
  expect(roster.get(BULK)?.transport).toBe('smtp://bulk');
  expect(await rulesOf(ledger)).toEqual([5]);
  stop.abort();
  await followed;
});

it('finds the sender of a mail that another process made a moment ago', async () => {
  const { open, store } = stage();
  const roster = await open();
  await expect(roster.transportFor(BULK)).rejects.toThrow('there is no sender bulk any more');
  store(record('smtp://bulk'));
  expect((await roster.transportFor(BULK)).capabilities.description).toBe('smtp://bulk');
});

it('keeps a login that failed from being tried again, and goes on with another one', async () => {
  const { ledger, logged, open, store } = stage();
  store(record('smtp://u:wrong@bulk'));
  const roster = await open();
  const { login } = (await roster.transportFor(BULK)).capabilities;
  if (login === undefined) throw new Error('a transport says how it logs in');
  expect(login).not.toContain('wrong');
  await ledger.hold([{ scope: senderScope(BULK), why: 'account', note: '535', login }]);

  store(record('smtp://u:wrong@bulk?idle=900', { limits: { perHour: 5 } }));
  await roster.refresh();
  await open(); // a restart with the same secret is no reason to try it again
  expect(await holdsOf(ledger)).toEqual(['account']);

  store(record('smtp://u:right@bulk'));
  await roster.refresh();
  expect(await holdsOf(ledger)).toEqual([]);
  expect(logged).toContain('sender bulk logs in with something else now: it goes on');
});

it('lets the configuration count where the store has the same name, and says so', async () => {
  const { logged, open, store } = stage();
  store(record('smtp://other', {}, DEFAULT));
  const roster = await open();
  expect(roster.list().map(({ id, transport }) => [id, transport])).toEqual([[DEFAULT, 'smtp://default']]);
  expect(logged[0]).toContain('sender default stands in the configuration and was made over the API too');
});

it('lets the others send when the secret of one cannot be read', async () => {
  const { logged, open, store } = stage();
  store(record('locked'));
  const roster = await open();
  expect(roster.list().map(({ id }) => id)).toEqual([DEFAULT]);
  expect(logged).toEqual(['sender bulk cannot be used, and its mail waits']);
});

it('keeps limits and history of a sender whose secret cannot be read for a moment, and goes on with it at the next look', async () => {
  const { clock, ledger, lock, logged, open, store } = stage();
  store(record('smtp://bulk', { limits: { perHour: 5 } }));
  const roster = await open();
  const stop = new AbortController();
  const followed = roster.follow(stop.signal);
  lock(true);
  store(record('smtp://bulk', { limits: { perHour: 5 } }));
  await clock.advance(6_000);
  expect(roster.get(BULK)).toBeUndefined();
  expect(await rulesOf(ledger)).toEqual([5]);
  await expect(roster.transportFor(BULK)).rejects.toThrow('sealed with another key');
  expect(logged).toEqual(['sender bulk cannot be used, and its mail waits']); // once, however many looks
  await ledger.hold([{ scope: senderScope(BULK), why: 'account', note: 'no transport' }]); // what that mail ran into

  lock(false);
  await clock.advance(2_000);
  expect(roster.get(BULK)?.transport).toBe('smtp://bulk');
  expect(await holdsOf(ledger)).toEqual([]);
  stop.abort();
  await followed;
});

it('takes the limits of a sender away that was removed while its secret could not be read', async () => {
  const { ledger, lock, open, store } = stage();
  store(record('smtp://bulk', { limits: { perHour: 5 } }));
  const roster = await open();
  lock(true);
  store(record('smtp://bulk', { limits: { perHour: 5 } }));
  await roster.refresh();
  store();
  await roster.refresh();
  expect(await rulesOf(ledger)).toBeUndefined();
});

it('tells the ledger at the next look what it could not take in, and shows no sender before', async () => {
  const { ledger, open, store } = stage();
  let isDown = false;
  const failing: Ledger = { ...ledger, limit: (changes) => (isDown ? Promise.reject(new Error('no answer')) : ledger.limit(changes)) };
  store(record('smtp://bulk', { limits: { perHour: 5 } }));
  const roster = await open(undefined, failing);
  isDown = true;
  store();
  await expect(roster.refresh()).rejects.toThrow('no answer');
  await expect(roster.refresh()).rejects.toThrow('no answer');
  isDown = false;
  await roster.refresh();
  expect(await rulesOf(ledger)).toBeUndefined();
  expect(roster.get(BULK)).toBeUndefined();
});

it('says nothing to the ledger that it knows already: each word would wake what waits', async () => {
  const { ledger, open, store } = stage();
  const told: string[] = [];
  const listening: Ledger = {
    ...ledger,
    limit: (changes) => {
      told.push(...changes.map(({ scope }) => scope));
      return ledger.limit(changes);
    },
  };
  const OTHER = senderId('other');
  store(record('smtp://bulk', { limits: { perHour: 5, connections: 3 }, preset: ['icloud'] }), record('smtp://other', {}, OTHER));
  await open(undefined, listening);
  expect(told).toEqual([senderScope(BULK)]);
  const roster = await open(undefined, listening);
  expect(told).toEqual([senderScope(BULK)]);
  store(
    record('smtp://bulk', { limits: { perHour: 5, connections: 3 }, preset: ['icloud'] }),
    record('smtp://other', { limits: { perHour: 1 } }, OTHER),
  );
  await roster.refresh();
  expect(told).toEqual([senderScope(BULK), senderScope(OTHER)]);
});

it('goes on after a mail that was still under way with the old login failed', async () => {
  const { clock, ledger, open, store } = stage();
  store(record('smtp://u:old@bulk'));
  const roster = await open();
  const { login = '' } = (await roster.transportFor(BULK)).capabilities;
  const stop = new AbortController();
  const followed = roster.follow(stop.signal);
  store(record('smtp://u:new@bulk'));
  await clock.advance(2_000);
  for (let late = 0; late < 5; late += 1) {
    await ledger.hold([{ scope: senderScope(BULK), why: 'account', note: '535', login }]);
    await clock.advance(30_000);
    expect(await holdsOf(ledger)).toEqual([]);
  }
  stop.abort();
  await followed;
});

it('asks about some senders every half minute, and about all of them in turn', async () => {
  const { clock, ledger, open, store } = stage();
  const asked: number[] = [];
  const listening: Ledger = {
    ...ledger,
    standing: (scopes) => {
      asked.push(scopes.length);
      return ledger.standing(scopes);
    },
  };
  store(...Array.from({ length: 119 }, (_, n) => record('smtp://bulk', {}, senderId(`s${n}`))));
  const roster = await open(undefined, listening);
  const stop = new AbortController();
  const followed = roster.follow(stop.signal);
  for (let look = 0; look < 4; look += 1) await clock.advance(30_000);
  expect(asked).toEqual([120, 50, 50, 20, 50]);
  stop.abort();
  await followed;
});

it('lets a login of the configuration that fails elsewhere be tried a few times and no more, or its account gets locked', async () => {
  const { clock, ledger, open } = stage();
  const { login = '' } = (await (await open('smtp://u:old@default')).transportFor(DEFAULT)).capabilities;
  const stop = new AbortController();
  const followed = (await open('smtp://u:new@default')).follow(stop.signal);
  const heldAfter = async (): Promise<boolean> => {
    await ledger.hold([{ scope: senderScope(DEFAULT), why: 'account', note: '535', login }]);
    await clock.advance(30_000);
    return (await holdsOf(ledger, DEFAULT)).length > 0;
  };
  expect([await heldAfter(), await heldAfter(), await heldAfter(), await heldAfter(), await heldAfter()]).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
  stop.abort();
  await followed;
});

it.each([
  ['smtp://u:p@bulk', 'smtp://u:q@bulk'],
  ['smtp://u:p@bulk', 'smtps://u:p@bulk'],
  ['smtp://bulk', 'smtp://bulk?tls=off'],
  ['smtp://bulk', 'smtp://bulk?verify=off'],
  ['smtp://bulk?ca=/old.pem', 'smtp://bulk?ca=/new.pem'],
  ['smtp://bulk?idle=9&servername=a', 'smtp://bulk?idle=9&servername=b'],
  ['smtp://u:p@bulk?auth=plain', 'smtp://u:p@bulk?auth=login'],
])('goes on when %s becomes %s', async (from, to) => {
  const { ledger, open, store } = stage();
  store(record(from));
  const { login = '' } = (await (await open()).transportFor(BULK)).capabilities;
  await ledger.hold([{ scope: senderScope(BULK), why: 'account', note: 'no', login }]);
  store(record(to));
  await open();
  expect(await holdsOf(ledger)).toEqual([]);
});

it('takes options that are not about the login, and their order, for no other login', async () => {
  const { ledger, open, store } = stage();
  store(record('smtp://u:p@bulk?ca=/a.pem&auth=plain'));
  const { login = '' } = (await (await open()).transportFor(BULK)).capabilities;
  await ledger.hold([{ scope: senderScope(BULK), why: 'account', note: 'no', login }]);
  store(record('smtp://u:p@bulk?connections=3&auth=plain&messages=7&ca=/a.pem&idle=900', { limits: { perHour: 5, connections: 2 } }));
  await open();
  expect(await holdsOf(ledger)).toEqual(['account']);
});

it('serves more senders than one call to the ledger takes', async () => {
  const { ledger, open, store } = stage();
  const ids = Array.from({ length: BATCH_MAX + 1 }, (_, n) => senderId(`s${n}`));
  store(...ids.map((id) => record('smtp://bulk', { limits: { perHour: 5 } }, id)));
  const roster = await open();
  const last = ids.at(-1);
  expect(roster.list()).toHaveLength(BATCH_MAX + 2);
  expect(await rulesOf(ledger, last)).toEqual([5]);
  store();
  await roster.refresh();
  expect(await rulesOf(ledger, last)).toBeUndefined();
});

it('takes no limits away that a process with another configuration set', async () => {
  const { ledger, open } = stage();
  await ledger.limit([{ scope: senderScope(BULK), limits: { rules: [{ unit: 'messages', max: 5, windowMs: 1_000, marginMs: 0 }] } }]);
  await open();
  expect(await rulesOf(ledger)).toEqual([5]);
});

it('tries to open a transport anew after it failed', async () => {
  const clock = createManualClock();
  let tries = 0;
  const roster = await openRoster({
    configured: [senderOf({ id: DEFAULT, origin: 'config', transport: 'smtp://h?ca=/missing', settings: PLAIN_SETTINGS })],
    store: { listSenders: async () => [], sendersRevision: async () => 0 },
    vault: { open: async () => '' },
    ledger: createMemoryLedger({ clock }),
    open: async (url, origin) => {
      tries += 1;
      if (tries === 1) throw new Error('no such file');
      return transportThat({ url, origin, isClosed: false });
    },
    loginSecret: new Uint8Array(32),
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await expect(roster.transportFor(DEFAULT)).rejects.toThrow('no such file');
  await expect(roster.transportFor(DEFAULT)).resolves.toBeDefined();
});
