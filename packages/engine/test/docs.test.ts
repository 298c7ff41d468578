import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { prometheusMeter } from '../src/adapters/meter/prometheus/index.ts';
import { SMTP_URL_OPTIONS } from '../src/adapters/transport/smtp/url.ts';
import { EXIT_MEANINGS } from '../src/cli/exit.ts';
import { runProgram } from '../src/cli/program.ts';
import { OPTIONS } from '../src/config/options.ts';
import { ROUTES } from '../src/http/routes/index.ts';
import { ERROR_CODES, factsOf } from '../src/model/errors.ts';
import { STATES, statusOf } from '../src/model/job.ts';
import { PRESETS } from '../src/model/presets.ts';
import { ruleText } from '../src/model/rule-text.ts';
import { replyRows } from './reply-rows.ts';
import { watchedTerminal } from './scenario/cli-terminal.ts';

/** What the docs say, compared with the code in both directions: a reader who finds one wrong row trusts none. */

const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const text = (path: string): string => readFileSync(join(REPO, path), 'utf8');

const pages = [
  ...readdirSync(REPO).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(REPO, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => join('docs', name)), // biome-ignore format: one line
  ...['sdk', 'engine'].map((name) => `packages/${name}/README.md`),
].sort();

/** Cells of each table row whose first cell is one name in backticks. */
function namedRows(page: string): string[][] {
  return text(page)
    .split('\n')
    .filter((line) => /^\| `[^`]+` \|/.test(line))
    .map((line) => line.slice(1, line.lastIndexOf('|')).split(/(?<!\\)\|/).map((cell) => cell.trim())); // biome-ignore format: one line
}
const nameIn = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

/**
 * The tables of docs/reference are what the code says. `npx vitest run packages/engine/test/docs.test.ts -u` renews them, and
 * leaves the prose around them alone.
 */
describe('docs/reference', () => {
  it('lists every error code with its status and what to do', async () => {
    const rows = ERROR_CODES.map((code) => {
      const { status, retryable, hint } = factsOf(code);
      return [`\`${code}\``, String(status), retryable ? 'yes' : 'no', hint];
    });
    await expectTable('docs/reference/errors.md', rows);
  });

  it('lists every option with its unit, default and example', async () => {
    const rows = OPTIONS.map(({ env, flag, name, unit, default: usual, example, description }) => {
      return [`\`${env}\``, flag === undefined ? '-' : `\`${flag}\``, `\`${name}\``, unit, `\`${usual}\``, `\`${example}\``, description];
    });
    await expectTable('docs/reference/config.md', rows);
  });

  it('lists every rule about replies', async () => {
    await expectTable('docs/reference/replies.md', replyRows());
  });

  it('lists every preset with its limits, its sources and the day they were compared', async () => {
    const rows = PRESETS.map(({ id, hosts, rules, pace, connections, perMessage, lockoutMs, checked, sources, note }) => {
      const { recipients, bytes } = perMessage;
      const limits = [
        ...rules.map(ruleText),
        ...(pace === undefined ? [] : [`one mail in ${pace.everyMs} ms, ${pace.burst} at once`]),
        ...(rules.length === 0 && pace === undefined ? ['none'] : []),
      ];
      const one = [
        ...(recipients === undefined ? [] : [`${recipients} recipients`]),
        ...(bytes === undefined ? [] : [`${bytes / 1_000_000} MB`]),
      ];
      return [
        `\`${id}\``,
        hosts.map((host) => `\`${host}\``).join(', ') || '-',
        limits.join('; '),
        connections === undefined ? '-' : String(connections),
        one.join(', ') || '-',
        lockoutMs === undefined ? '-' : `up to ${lockoutMs / 3_600_000 >= 1 ? `${lockoutMs / 3_600_000} h` : `${lockoutMs / 60_000} min`}`,
        checked,
        sources.map((source, index) => (source.startsWith('https:') ? `[${index + 1}](${source})` : source)).join(', '),
        note ?? '',
      ];
    });
    await expectTable('docs/reference/presets.md', rows);
  });

  it('lists every option of an SMTP URL', () => {
    const [, section = ''] = text('docs/reference/config.md').split('## Options of an SMTP URL');
    const shown = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name);
    expect(shown).toEqual([...SMTP_URL_OPTIONS]);
  });

  it('lists every request of the API', async () => {
    const rows = ROUTES.map(({ method, path, access, summary }) => [`\`${method} ${path}\``, access, summary]);
    await expectTable('docs/reference/http.md', rows);
  });

  it('lists every metric with its kind and labels', async () => {
    const byState = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<(typeof STATES)[number], number>;
    const ledger = { byState, oldestReadyMs: 0, sendersWithBacklog: 0, now: 0, workers: 0, sending: 0 };
    const meter = prometheusMeter({
      version: '1.2.3',
      leases: () => ({ sending: 0, shelved: 0, unrecorded: 0 }),
      disk: () => ({ freeBytes: 1, floorBytes: 1, isShort: false }),
    });
    meter.request({ method: 'GET', route: '/', status: 200, durationMs: 1 });
    meter.carried('accepted', 1);
    const { text: shown } = await meter.exposition(ledger);
    const labelsOf = (name: string): string => {
      const [, labels = ''] = new RegExp(`^${name}(?:_count)?\\{(.*)\\}`, 'm').exec(shown) ?? [];
      return [...labels.matchAll(/(\w+)=/g)].map(([, label]) => label).join(', ') || '-';
    };
    const rows = [...shown.matchAll(/^# HELP (shoal_\w+) (.+)$/gm)].map(([, name = '', help = '']) => {
      const [, kind = ''] = new RegExp(`^# TYPE ${name} (\\w+)`, 'm').exec(shown) ?? [];
      return [`\`${name}\``, kind, labelsOf(name), help];
    });
    await expectTable('docs/reference/metrics.md', rows);
  });

  it('lists every command with its options', async () => {
    expect(await commandRows([])).toContainEqual(['`shoal status <id>`', '-', 'show an email and every attempt to send it']);
    await expectTable('docs/reference/cli.md', await commandRows([]));
  });

  it('lists every exit code', () => {
    const shown = [...text('docs/reference/cli.md').matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [
      Number(code),
      meaning,
    ]);
    expect(shown).toEqual(EXIT_MEANINGS);
  });
});

/** Compares a page with itself, its first table of names in backticks made anew. */
async function expectTable(page: string, rows: readonly (readonly string[])[]): Promise<void> {
  const lines = text(page).split('\n');
  const first = lines.findIndex((line) => line.startsWith('| `'));
  const after = lines.findIndex((line, index) => index > first && !line.startsWith('| `'));
  expect(first).toBeGreaterThan(0);
  const table = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  const renewed = [...lines.slice(0, first), ...table, ...lines.slice(after)].join('\n');
  await expect(renewed).toMatchFileSnapshot(join(REPO, page));
}

/** The commands as `--help` shows them, groups opened. */
async function commandRows(parents: readonly string[]): Promise<string[][]> {
  const help = await helpOf(parents);
  if (!isGroup(help)) return []; // its arguments look like commands, and asking for their help gives this one again
  const names = [...help.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name);
  const rows = await Promise.all(
    names.map(async (name) => [await commandRow([...parents, name]), ...(await commandRows([...parents, name]))]),
  );
  return rows.flat().filter((row) => row.length > 0);
}

async function commandRow(path: readonly string[]): Promise<string[]> {
  const help = await helpOf(path);
  if (isGroup(help)) return []; // its commands have rows of their own
  const usage = usageOf(help);
  const summary = help.split('\n\n')[1] ?? '';
  const flags = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)]
    .map(([, flag = '']) => flag)
    .filter((flag) => flag !== '--json' && flag !== '--help');
  const own = flags.filter((flag) => !OPTIONS.some((option) => option.flag === flag)).map((flag) => `\`${flag}\``);
  const cell = own.length < flags.length ? ['those of the [configuration](config.md)', ...own] : own;
  return [`\`${usage.replace(' [options]', '')}\``, cell.join(', ') || '-', summary.replaceAll('\n', ' ')];
}

function isGroup(help: string): boolean {
  return usageOf(help).endsWith('[command]');
}

function usageOf(help: string): string {
  return /^Usage: (.+)$/m.exec(help)?.[1] ?? '';
}

async function helpOf(path: readonly string[]): Promise<string> {
  const terminal = watchedTerminal();
  await runProgram([...path, '--help'], terminal);
  return terminal.printed();
}

describe('docs/reference/security.md', () => {
  const rows = namedRows('docs/reference/security.md');

  it('has a row for every code that a comment or the name of a test cites', () => {
    /** `security S7`, `Security: S11, W1`, and titles such as 'S6, S7: ...'. */
    const CITATIONS = [/\bsecurity:? ([A-Z]\d+(?:, [A-Z]\d+)*)/gi, /['"`]([A-Z]\d+(?:, [A-Z]\d+)*): /g];
    const codesIn = (source: string): string[] =>
      CITATIONS.flatMap((citation) => [...source.matchAll(citation)].flatMap(([, codes = '']) => codes.split(', ')));
    expect(codesIn("// (security S11, W1) C1\nit('D4: x');")).toEqual(['S11', 'W1', 'D4']);
    const cited = new Set(sources().flatMap((path) => codesIn(text(path))));
    expect([...cited].sort()).toEqual(rows.map(([code]) => nameIn(code)).sort());
  });

  it('names files that are there', () => {
    const named = rows.flatMap((row) => [...(row[3] ?? '').matchAll(/`([^`]+)`/g)].map(([, path]) => `packages/engine/src/${path}`));
    expect(named.length).toBeGreaterThanOrEqual(rows.length);
    expect(named.filter((path) => !existsSync(join(REPO, path)))).toEqual([]);
  });

  function sources(): string[] {
    return ['engine/src', 'engine/test', 'sdk/src'].flatMap((folder) =>
      readdirSync(join(REPO, 'packages', folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('docs.test.ts'))
        .map((name) => join('packages', folder, name)),
    );
  }
});

describe('docs/states.md', () => {
  it('has every state, in order, with what a caller sees', () => {
    const shown = namedRows('docs/states.md').filter((row) => row.length === 5);
    expect(shown.map(([state, , seen]) => [nameIn(state), nameIn(seen)])).toEqual(STATES.map((state) => [state, statusOf(state)]));
  });
});

describe('every page', () => {
  it('links to what is there', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', join('docs', 'states.md')]));
    const broken = pages.flatMap((page) =>
      [...text(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, target = '']) => ({ target, file: join(REPO, dirname(page), target) }))
        .filter(({ file }) => !existsSync(file))
        .map(({ target }) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('never promises exactly-once', () => {
    const promising = pages.filter((page) => !page.endsWith('founding-article.md') && /exactly[- ]once/i.test(text(page)));
    expect(promising).toEqual([]);
  });
});

describe('docs/adr', () => {
  const HEADINGS = ['Context', 'Decision', 'Price', 'What would change our mind', 'Status'];
  const files = readdirSync(join(REPO, 'docs', 'adr')).sort();

  it('is numbered without gaps', () => {
    expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  });

  it.each(files)('%s gives context, decision, price, what would change our mind and status, on a page', (name) => {
    const page = text(join('docs', 'adr', name));
    expect([...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS);
    expect(page.split('\n')[0]).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. `));
    expect(page.split('\n').length).toBeLessThanOrEqual(70);
  });
});

describe('CHANGELOG.md', () => {
  const changelog = text('CHANGELOG.md');

  it('has only the headings of Keep a Changelog', () => {
    const releases = [...changelog.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading ?? '');
    const kinds = [...changelog.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading ?? '');
    expect(releases[0]).toBe('[Unreleased]');
    expect(releases.slice(1).filter((heading) => !/^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/.test(heading))).toEqual([]);
    expect(kinds.filter((kind) => !['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'].includes(kind))).toEqual([]);
  });

  it('opens each release with some sentences for a person', () => {
    for (const release of changelog.split(/^## /m).slice(1)) expect(release.split('\n### ')[0]).toMatch(/\n\n[A-Z][^\n]+/);
  });
});
